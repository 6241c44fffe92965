import assert from "node:assert/strict";
import type { Frame } from "#model/chunk.ts";
import type { Entropy } from "#ports/entropy.ts";
import { openStore } from "../../runtime/store/open-store.ts";
import { defaultStoreSettings } from "../../runtime/store/settings.ts";
import type { StoreCore } from "../../runtime/store/store-core.ts";
import { seededEntropy, silentLogger } from "./doubles.ts";
import { alarmFrame, dictFrame, groupFrame, plainAssembler, slotOf, textsOf } from "./frames.ts";
import { ManualClock } from "./manual-clock.ts";
import { PowerCut, SimDisk } from "./sim-disk.ts";

export type StoreStep =
  | { readonly do: "poll"; readonly frames: number; readonly bytes: number }
  | { readonly do: "alarm" | "dictionary" | "seal" | "split" | "reject" | "restart" }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "drain"; readonly acked: number }
  | { readonly do: "sync-error"; readonly times: number }
  | { readonly do: "database-error"; readonly code: "SQLITE_IOERR_FSYNC" | "SQLITE_CORRUPT" | "SQLITE_FULL" }
  | { readonly do: "database-full"; readonly full: boolean }
  | { readonly do: "cut"; readonly inOperations: number };

interface Admitted {
  readonly samples: number;
  readonly position: number;
}

const settings = { ...defaultStoreSettings, journalBytes: 1024 * 1024, ballastBytes: 64 * 1024, budgetBytes: 4 * 1024 * 1024 };

/** Drives a store and a disk that fails, and knows what must be true of it. The NOC's end is a set of chunks. */
export class StoreModel {
  static cuts = 0;
  static evictions = 0;
  readonly disk = new SimDisk();
  readonly clock = new ManualClock();
  readonly #entropy: Entropy;
  #core!: StoreCore;
  #release!: () => void;
  #text = 0;
  #slot = 1;
  readonly #admitted = new Map<string, Admitted>();
  /** Texts whose durability was promised. */
  readonly #promised = new Set<string>();
  /** Everything ever read: key -> bytes. */
  readonly #published = new Map<string, string>();
  /** What the NOC committed. */
  readonly #noc = new Map<string, readonly string[]>();
  /** Last content made under a key; a record that failed may be made again with more in it. */
  readonly #assembled = new Map<string, readonly string[]>();
  readonly #refused = new Set<string>();
  readonly #evicted = new Set<string>();

  constructor(seed: number) {
    this.#entropy = seededEntropy(seed);
    this.#open();
  }

  take(step: StoreStep): void {
    try {
      this.#perform(step);
      this.#promise();
      this.#checkBooks();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      this.#cut();
    }
  }

  /** Everything heals, everything is drained: what was promised must be at the NOC or be accounted for. */
  finish(): void {
    this.disk.cutAfter = Number.POSITIVE_INFINITY;
    this.disk.failSyncs.length = 0;
    this.disk.databasesFull = false;
    // A backlog that failed comes back after seconds; what the NOC sends then is sent again until it is heard.
    for (let round = 0; round < 5; round += 1) {
      this.#passTime(120_000);
      this.#core.commit(true);
      this.#promise();
      this.#drain(1);
      this.#core.commit(true);
      this.#checkBooks();
    }
    const { ledger, streams } = this.#core.stats();
    assert.equal(ledger.buffered, 0, "all is drained");
    StoreModel.evictions += this.#evicted.size;
    const delivered = [...this.#noc.values()].flat();
    const received = new Set(delivered);
    assert.equal(received.size, delivered.length, "no frame twice at the NOC");
    for (const text of this.#evicted) assert.ok(!received.has(text), "evicted and delivered");
    for (const text of this.#promised) {
      assert.ok(received.has(text) || this.#refused.has(text) || this.#evicted.has(text), `lost: ${text.slice(0, 20)}`);
    }
    const samples = delivered.reduce((sum, text) => sum + (this.#admitted.get(text)?.samples ?? 0), 0);
    assert.equal(ledger.delivered, samples, "delivered is what the NOC has");
    for (const state of streams) assert.equal(state.firstSeq, state.nextSeq, "no hole is left");
    this.#core.close();
    this.#release();
  }

  #perform(step: StoreStep): void {
    switch (step.do) {
      case "poll":
        this.#poll(step.frames, step.bytes);
        break;
      case "alarm":
        this.#admit([alarmFrame(this.#newText("alarm", 20), { samples: 0 })]);
        break;
      case "dictionary":
        this.#admit([dictFrame(this.#newText("dict", 50))]);
        break;
      case "pass":
        this.#passTime(step.ms);
        break;
      case "seal":
        this.#core.commit(true);
        break;
      case "drain":
        this.#drain(step.acked);
        break;
      case "split":
        this.#core.splitStream("T");
        break;
      case "reject":
        this.#reject();
        break;
      case "sync-error":
        for (let n = 0; n < step.times; n += 1) this.disk.failSyncs.push("EIO");
        break;
      case "database-error":
        if (this.disk.isOpen("buffer.db")) this.disk.failTransaction("buffer.db", step.code);
        break;
      case "database-full":
        this.disk.databasesFull = step.full;
        break;
      case "restart":
        this.#core.close();
        this.#release();
        this.#open();
        break;
      case "cut":
        this.disk.cutAfter = this.disk.operations + step.inOperations;
    }
  }

  #poll(frames: number, bytes: number): void {
    const now = this.clock.monotonicMs();
    const slotNumber = Math.floor(now / 60_000);
    const slot = slotOf(this.#slot + slotNumber, (slotNumber + 1) * 60_000, { bootId: this.clock.bootId });
    this.#admit(Array.from({ length: frames }, () => groupFrame(this.#newText("row", bytes), slot, { samples: 1 + (this.#text % 7) })));
  }

  #admit(frames: readonly Frame[]): void {
    if (this.#core.isFull) this.#core.commit(false);
    if (this.#core.isFull) return;
    const last = this.#core.append(frames);
    for (const [index, frame] of frames.entries()) {
      const text = Buffer.from(frame.payload).toString("latin1");
      this.#admitted.set(text, { samples: frame.samples, position: last - frames.length + 1 + index });
    }
    this.#tick();
  }

  #tick(): void {
    if (this.#core.dueAtMs <= this.clock.monotonicMs()) this.#core.commit(false);
  }

  #passTime(ms: number): void {
    const end = this.clock.monotonicMs() + ms;
    for (let turn = 0; turn < 100; turn += 1) {
      const due = this.#core.dueAtMs;
      if (due > end) break;
      this.clock.step(Math.max(0, due - this.clock.monotonicMs()));
      this.#core.commit(false);
    }
    this.clock.step(Math.max(0, end - this.clock.monotonicMs()));
  }

  #drain(ackedShare: number): void {
    for (const { stream, firstSeq } of this.#core.stats().streams) {
      const chunks = this.#core.read({ stream, fromSeq: firstSeq, maxChunks: 10_000, maxBytes: 1e9 });
      const ranges: [number, number][] = [];
      for (const [index, chunk] of chunks.entries()) {
        assert.ok(chunk.seq > (chunks[index - 1]?.seq ?? 0), "chunks come in order of seq");
        const key = `${stream}/${chunk.seq}`;
        const bytes = Buffer.from(chunk.bytes).toString("latin1");
        assert.equal(bytes, this.#published.get(key) ?? bytes, `bytes of ${key} changed`);
        this.#published.set(key, bytes);
        const before = this.#noc.get(key);
        if (before !== undefined) assert.deepEqual(textsOf(chunk.bytes), before, `${key} was used twice`);
        if (this.#entropy.random() >= ackedShare) continue;
        this.#noc.set(key, textsOf(chunk.bytes));
        ranges.push([chunk.seq, chunk.seq]);
      }
      for (let from = 0; from < ranges.length; from += 32)
        this.#core.acknowledge({ stream, upTo: 0, ranges: ranges.slice(from, from + 32) });
      // What the NOC has been told to do without counts as received.
      this.#core.acknowledge({ stream, upTo: firstSeq - 1, ranges: [] });
    }
  }

  #reject(): void {
    for (const { stream, firstSeq } of this.#core.stats().streams) {
      const chunk = this.#core.read({ stream, fromSeq: firstSeq, maxChunks: 1, maxBytes: 1 })[0];
      if (chunk === undefined || this.#noc.has(`${stream}/${chunk.seq}`)) continue;
      // Counted before: a cut may come at any point of the call.
      for (const text of textsOf(chunk.bytes)) this.#refused.add(text);
      this.#core.reject(stream, chunk.seq, "test");
      return;
    }
  }

  #promise(): void {
    for (const [text, { position }] of this.#admitted) if (position <= this.#core.durablePosition) this.#promised.add(text);
  }

  #checkBooks(): void {
    const { ledger, streams } = this.#core.stats();
    assert.equal(ledger.polled, ledger.delivered + ledger.buffered + ledger.dropped, "polled = delivered + buffered + dropped");
    assert.equal(new Set(streams.map((state) => state.stream)).size, streams.length);
    for (const gap of this.#core.takeGaps()) {
      assert.notEqual(gap.reason, "corrupt", "nothing is damaged here");
      if (gap.reason === "cap" || gap.reason === "disk-full") this.#noteEvicted(gap.stream ?? "", gap.fromSeq ?? 1, gap.toSeq ?? 0);
    }
  }

  #noteEvicted(stream: string, fromSeq: number, toSeq: number): void {
    for (let seq = fromSeq; seq <= toSeq; seq += 1) {
      // Its acknowledgement was lost in a cut: the NOC has more than the books say.
      this.#noc.delete(`${stream}/${seq}`);
      for (const text of this.#assembled.get(`${stream}/${seq}`) ?? []) this.#evicted.add(text);
    }
  }

  #cut(): void {
    StoreModel.cuts += 1;
    this.disk.failSyncs.length = 0;
    this.disk.cut(this.#entropy);
    this.#open();
  }

  #open(): void {
    // Admitted and not promised by the process before: gone, or not; both are right.
    for (const [text, { samples }] of this.#admitted) {
      if (!this.#promised.has(text)) this.#admitted.set(text, { samples, position: Number.POSITIVE_INFINITY });
    }
    this.#slot += 1_000_000;
    const { core, release } = openStore({
      disk: this.disk,
      clock: this.clock,
      entropy: this.#entropy,
      assembler: {
        maxFrameBytes: plainAssembler.maxFrameBytes,
        assemble: (head, frames) => {
          const bytes = plainAssembler.assemble(head, frames);
          this.#assembled.set(`${head.stream}/${head.seq}`, textsOf(bytes));
          return bytes;
        },
      },
      log: silentLogger,
      settings,
    });
    this.#core = core;
    this.#release = release;
  }

  #newText(kind: string, bytes: number): string {
    this.#text += 1;
    return `${kind}${this.#text}${"-".repeat(bytes)}`;
  }
}
