import type { Frame } from "../../runtime/model/chunk.ts";
import { Link, type LinkOptions } from "../../runtime/northbound/link.ts";
import type { LogFields, Logger } from "../../runtime/ports/logger.ts";
import { FakeUplink, structuredMessages } from "../sim/uplink/fake-uplink.ts";
import { MemoryBuffer } from "../sim/uplink/memory-buffer.ts";
import { NocStub } from "../sim/uplink/noc-stub.ts";
import { seededEntropy } from "../sim/uplink/seeded-entropy.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

/** Collects what is logged at info and above. */
export function recordingLogger(lines: string[]): Logger {
  const note = (level: string) => (fields: LogFields, sentence: string) => {
    lines.push(`${level} ${sentence} ${fields.code ?? fields.reason ?? ""}`.trim());
  };
  const logger: Logger = { error: note("error"), warn: note("warn"), info: note("info"), debug: () => undefined, child: () => logger };
  return logger;
}

/** The real link and drain on a virtual clock, a buffer in memory, a broker and a NOC in memory. */
export class Harness {
  readonly clock = new VirtualClock();
  readonly buffer = new MemoryBuffer(this.clock);
  readonly noc = new NocStub();
  readonly uplink: FakeUplink;
  readonly link: Link;
  readonly log: string[] = [];
  readonly calls: string[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #failure: unknown;

  constructor(seed = 1, options: Partial<LinkOptions> = {}) {
    const entropy = seededEntropy(seed);
    const identify = (bytes: Uint8Array) => this.buffer.identify(bytes);
    this.uplink = new FakeUplink({ clock: this.clock, entropy: seededEntropy(seed + 1), noc: this.noc, identify });
    this.link = new Link({
      uplink: this.uplink,
      buffer: this.buffer,
      encoder: { restartStream: () => void this.calls.push("restartStream"), fullDictionary: () => this.#dictionary() },
      messages: structuredMessages,
      clock: this.clock,
      entropy,
      logger: recordingLogger(this.log),
      hello: () => new Uint8Array(10),
      ...options,
    });
  }

  start(): void {
    this.#running = this.link.run(this.#stop.signal).catch((error: unknown) => {
      this.#failure = error ?? new Error("link ended");
    });
  }

  /** Lets time pass; a crash of the link comes out here. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async until(condition: () => boolean, limitMs: number, stepMs = 100): Promise<void> {
    await this.clock.until(() => this.#failure !== undefined || condition(), limitMs, stepMs);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("test over"));
    await this.clock.advance(5_000);
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Leaves of what was published since `from`, without presence. */
  leaves(): readonly string[] {
    return this.uplink.published.map((entry) => entry.leaf).filter((leaf) => leaf !== "hello");
  }

  #dictionary(): Frame {
    this.calls.push("fullDictionary");
    return {
      streamClass: "T",
      kind: "dict",
      samples: 0,
      urgent: false,
      priority: 3,
      wallMs: 0,
      monotonicMs: 0,
      bootId: this.clock.bootId,
      payload: new Uint8Array(50),
    };
  }
}
