import type { Frame } from "../../runtime/model/chunk.ts";
import { Link, type LinkOptions } from "../../runtime/northbound/link.ts";
import { CollectingLogger } from "../sim/collecting-logger.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { FakeUplink, structuredMessages } from "../sim/uplink/fake-uplink.ts";
import { MemoryBuffer } from "../sim/uplink/memory-buffer.ts";
import { NocStub } from "../sim/uplink/noc-stub.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

/** The real link and drain on a virtual clock, a buffer in memory, a broker and a NOC in memory. */
export class Harness {
  readonly clock: VirtualClock;
  readonly buffer: MemoryBuffer;
  readonly noc = new NocStub();
  readonly uplink: FakeUplink;
  readonly link: Link;
  readonly logger = new CollectingLogger();
  readonly calls: string[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #failure: unknown;

  constructor(seed = 1, options: Partial<LinkOptions> = {}, clock = new VirtualClock()) {
    this.clock = clock;
    this.buffer = new MemoryBuffer(clock);
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
      logger: this.logger,
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
    const endMs = this.clock.monotonicMs() + limitMs;
    await this.pass(0);
    while (!condition()) {
      if (this.clock.monotonicMs() >= endMs) throw new Error(`condition not met within ${limitMs} ms of virtual time`);
      await this.pass(stepMs);
    }
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

  /** What was logged at info and above. */
  get log(): readonly string[] {
    const told = this.logger.lines.filter((line) => line.level !== "debug");
    return told.map((line) => `${line.level} ${line.sentence} ${line.fields.code ?? ""}`.trim());
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
      bootId: this.clock.now().bootId,
      payload: new Uint8Array(50),
    };
  }
}
