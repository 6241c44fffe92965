import { GatewayError } from "../../../runtime/model/errors.ts";
import type { Operation } from "../../../runtime/ports/operations.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { MemoryState } from "../../southbound/discovery/memory-state.ts";
import { MemoryDocuments } from "./memory-documents.ts";
import { type NocPens, order } from "./noc-pen.ts";
import { Stand } from "./stand.ts";

/** What ran, and operations that do it in their ways. */
export class Bench {
  readonly ran: string[] = [];
  readonly state = new MemoryState();
  readonly documents = new MemoryDocuments();
  readonly clock = new VirtualClock();
  readonly hang = Promise.withResolvers<void>();
  stand: Stand;
  nonce: string;
  #seed = 1;

  readonly #noc: NocPens;

  constructor(noc: NocPens) {
    this.#noc = noc;
    this.stand = this.#make();
    this.nonce = this.stand.nonce.renew();
  }

  #make(): Stand {
    this.#seed += 1;
    const parts = {
      trust: this.#noc.trust,
      state: this.state,
      documents: this.documents,
      operations: this.#operations(),
      clock: this.clock,
      seed: this.#seed,
    };
    return new Stand(parts).start();
  }

  #operations(): readonly Operation[] {
    const operation = (name: string, risk: Operation["risk"], execute: Operation["execute"]): Operation => ({
      ...{ name, risk, summary: "", maxDurationMs: 60_000, execute },
      argumentsSchema: { type: "object", additionalProperties: false, properties: { n: { type: "integer", default: 7 } } },
    });
    return [
      operation("test.read", "read", async (command, progress) => {
        this.ran.push(command.id);
        progress.report({ half: true }, 50);
        return { n: command.arguments.n };
      }),
      operation("test.write", "write", async (command) => void this.ran.push(command.id)),
      operation("test.fail", "read", async () => {
        throw new GatewayError("driver.timeout", { message: "no answer from 192.0.2.1" });
      }),
      operation("test.bug", "read", async () => {
        throw new TypeError("cannot read properties of undefined");
      }),
      operation("test.hang", "read", async (command, _progress, signal) => {
        this.ran.push(command.id);
        await Promise.race([
          this.hang.promise,
          new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
        ]);
      }),
      {
        ...operation("test.secret", "write", async (command) => {
          this.ran.push(String(command.arguments.word));
          return { wrote: command.arguments.word };
        }),
        argumentsSchema: { type: "object", properties: { word: { type: "string" } } },
        remembered: { arguments: () => ({ word: "[kept back]" }), output: () => ({ wrote: "[kept back]" }), about: () => "a word" },
      },
      operation("test.huge", "read", async () => ({ text: "x".repeat(900_000) })),
    ];
  }

  async send(op: string, over: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const made = order(op, this.stand.nowS, this.nonce, over);
    await this.again(made);
    return made.id;
  }

  async again(made: object): Promise<void> {
    await this.stand.deliver("cmd", await this.#noc.command.sign("gh-cmd+jws", made));
    await this.stand.pass(10);
  }

  result(id: string) {
    return this.stand.desk.journal.get(id)?.result;
  }

  async reboot(afterMs: number, quality: "synced" | "unanchored" = "synced"): Promise<void> {
    await this.stand.stop();
    const wallMs = this.clock.now().wallMs + afterMs;
    this.clock.reboot("00000002", wallMs, quality);
    this.stand = this.#make();
    this.nonce = this.stand.nonce.renew();
    await this.stand.pass(10);
  }
}
