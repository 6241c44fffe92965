import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { openBufferInline } from "../../runtime/store/buffer-inline.ts";
import { NodeDisk } from "../../runtime/store/node-disk.ts";
import { openState } from "../../runtime/store/state.ts";
import { silentLogger } from "./doubles.ts";
import { plainAssembler, textsOf } from "./frames.ts";

export interface WriterOptions {
  readonly acked?: number;
  readonly syncDelayMs?: number;
  readonly journalBytes?: number;
  /** Program and arguments before node's: strace and the like. */
  readonly wrapper?: readonly string[];
}

/** What the writer said before it died, over all its lives, and whether the store agrees. */
export class KillLedger {
  readonly #promised = new Set<number>();
  readonly #published = new Map<string, string>();
  readonly #acked = new Set<string>();
  #state = 0;
  lives = 0;
  /** Errors the writer met and went on after. */
  complaints = 0;

  /** Starts a writer and resolves when it writes; `ended` resolves when it is gone and all it said is read. */
  async start(
    folder: string,
    options: WriterOptions = {},
  ): Promise<{ readonly pid: number; readonly ended: Promise<number | null>; kill(signal: NodeJS.Signals): void }> {
    const { acked = 0.5, syncDelayMs = 0, journalBytes = 1024 * 1024, wrapper = [] } = options;
    const script = join(import.meta.dirname, "writer-process.ts");
    const [program = process.execPath, ...before] = [...wrapper, process.execPath];
    this.lives += 1;
    const args = [...before, script, folder, String(this.lives * 1_000_000), String(acked), String(syncDelayMs), String(journalBytes)];
    // A group of its own: a signal reaches what the wrapper runs as well.
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    let rest = "";
    let errors = "";
    child.stderr.on("data", (data: Buffer) => {
      errors = (errors + data.toString()).slice(-2000);
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on("data", (data: Buffer) => {
        const lines = (rest + data.toString("latin1")).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (line.startsWith("P ")) resolve();
          this.#hear(line);
        }
      });
      child.once("close", (code) => reject(new Error(`the writer ended with ${code}: ${errors}`)));
    });
    return { pid: child.pid ?? 0, ended, kill: (signal) => void process.kill(-(child.pid ?? 0), signal) };
  }

  /** Opens what is left and compares. */
  async check(folder: string): Promise<{ readonly buffered: number; readonly delivered: number }> {
    const buffer = openBufferInline({
      disk: new NodeDisk(folder),
      clock: new SystemClock(() => true),
      entropy: systemEntropy,
      logger: silentLogger,
      assembler: plainAssembler,
      settings: { journalBytes: 1024 * 1024, ballastBytes: 64 * 1024, budgetBytes: 64 * 1024 * 1024 },
    });
    try {
      await buffer.sealNow();
      const { ledger, streams } = await buffer.stats();
      assert.equal(ledger.polled, ledger.delivered + ledger.buffered + ledger.dropped, "the books balance");
      assert.equal(ledger.dropped, 0, `nothing was dropped: ${JSON.stringify(ledger.drops)}`);
      const found = new Set<number>();
      for (const { stream } of streams) {
        for (const chunk of await buffer.read({ stream, fromSeq: 1, maxChunks: 1e6, maxBytes: 1e9 })) {
          const key = `${stream} ${chunk.seq}`;
          const hex = Buffer.from(chunk.bytes).toString("hex");
          assert.equal(hex, this.#published.get(key) ?? hex, `bytes of ${key} changed, or its seq was used twice`);
          this.#published.set(key, hex);
        }
      }
      for (const hex of this.#published.values()) {
        for (const text of textsOf(Buffer.from(hex, "hex"))) found.add(Number(/^n(\d+)\./.exec(text)?.[1]));
      }
      for (const n of this.#promised) assert.ok(found.has(n), `frame ${n} was promised and is lost`);
      const state = openState(folder);
      assert.ok(Number(state.getText("n") ?? "0") >= this.#state, "the state went back");
      state.close();
      return { buffered: ledger.buffered, delivered: ledger.delivered };
    } finally {
      await buffer.close();
    }
  }

  get promised(): number {
    return this.#promised.size;
  }

  #hear(line: string): void {
    const [kind, ...words] = line.split(" ");
    if (kind === "P") this.#promised.add(Number(words[0]));
    else if (kind === "S") this.#state = Math.max(this.#state, Number(words[0]));
    else if (kind === "A") this.#acked.add(`${words[0]} ${words[1]}`);
    else if (kind === "X") this.complaints += 1;
    else if (kind === "C") {
      const key = `${words[0]} ${words[1]}`;
      assert.equal(words[2], this.#published.get(key) ?? words[2], `bytes of ${key} changed, or its seq was used twice`);
      this.#published.set(key, words[2] ?? "");
    }
  }
}
