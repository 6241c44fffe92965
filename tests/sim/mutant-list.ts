/** A piece of a file, as it stands there, and what takes its place. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** One place, or two that see to the same thing, broken on purpose. */
export interface Mutant extends Edit {
  readonly name: string;
  /** Where two places see to the same thing. */
  readonly and?: Edit;
  readonly all?: boolean;
  /** Damage is in every fifth seed only, and turns different bits in each: from this seed on in steps of five. */
  readonly damagedFrom?: number;
}

export const mutants: readonly Mutant[] = [
  {
    name: "deletes a chunk on the broker's PUBACK",
    file: "runtime/northbound/drain.ts",
    find: "entry.confirmed = true;",
    replace:
      "entry.confirmed = true;\n          void this.#parts.buffer.acknowledge({ stream: cursor.stream, upTo: 0, ranges: [[chunk.seq, chunk.seq]] });",
  },
  {
    name: "says nothing about an unclean start",
    file: "runtime/store/tenure.ts",
    find: "if (!this.#restartPending) return undefined;",
    replace: "if (this.#restartPending || !this.#restartPending) return undefined;",
  },
  {
    name: "seals in the wrong order",
    file: "runtime/store/commit-plan.ts",
    find: "seals.sort((a, b) => (a.frames.at(-1)?.position ?? 0) - (b.frames.at(-1)?.position ?? 0));",
    replace: "seals.sort((a, b) => (b.frames.at(-1)?.position ?? 0) - (a.frames.at(-1)?.position ?? 0));",
  },
  {
    name: "seals a chunk before the dictionary it needs",
    file: "runtime/store/commit-plan.ts",
    find: "seals.sort((a, b) => (a.frames.at(-1)?.position ?? 0) - (b.frames.at(-1)?.position ?? 0));",
    replace: "seals.sort((a, b) => (a.frames[0]?.position ?? 0) - (b.frames[0]?.position ?? 0));",
  },
  {
    name: "trusts a wall clock that nobody vouches for",
    file: "cloud-bridge/protocol/codec/slots.ts",
    find: "const unanchored = isUnanchored(at);\n    const slot",
    replace: "const unanchored = false;\n    const slot",
  },
  { name: "does not sync the journal", file: "runtime/store/ring.ts", find: "this.#file.sync();", replace: "", all: true },
  {
    name: "uses a seq again after a restart",
    file: "runtime/store/streams.ts",
    find: "this.nextSeq = from.next;",
    replace: "this.nextSeq = from.ack + 1;",
  },
  {
    name: "acknowledges the highest seq instead of the contiguous one (NOC)",
    file: "cloud-bridge/noc/ingest/ranges.ts",
    find: "return first !== undefined && first[0] === 1 ? first[1] : 0;",
    replace: "return ranges.at(-1)?.[1] ?? (first === undefined ? 0 : first[1]);",
  },
  {
    name: "forgets the new base of a counter after a restart of its agent",
    file: "cloud-bridge/protocol/codec/column-encoders.ts",
    find: "if (!cell.isKnown || !follows) {",
    replace: "if (!cell.isKnown) {",
  },
  {
    name: "polls one equipment at a time",
    file: "runtime/southbound/poller.ts",
    find: "this.#permits = new Permits(options.maxConcurrentPolls - doubtful);",
    replace: "this.#permits = new Permits(1);",
  },
  {
    name: "takes what the last session sent for delivered",
    file: "runtime/northbound/stream-cursor.ts",
    find: "this.nextRead = state.firstSeq;",
    replace: "this.nextRead = state.nextSeq;",
  },
  {
    name: "never sends again what the NOC does not acknowledge",
    file: "runtime/northbound/drain.ts",
    find: "return cursor.waitingSinceMs + timeout.ms;",
    replace: "return Number.POSITIVE_INFINITY;",
    and: {
      file: "runtime/northbound/stream-cursor.ts",
      find: "return entry.confirmed && entry.sentAtMs < this.#newestAckedSentAtMs;",
      replace: "return entry.confirmed && entry.sentAtMs < 0;",
    },
  },
  {
    name: "wakes to send again, and does not",
    file: "runtime/northbound/drain.ts",
    find: "if (this.#ackDueMs(cursor) <= nowMs) cursor.rewind(nowMs);",
    replace: "",
  },
  {
    name: "begins a stream without a key-frame",
    file: "cloud-bridge/protocol/codec/slots.ts",
    find: "const isKeyFrame = own.forceKey || keyNumber !== own.keyNumber || !sameBoot;",
    replace: "const isKeyFrame = keyNumber % 7 === 6 && own.forceKey;",
  },
  {
    name: "does not seal what was journaled before the crash",
    file: "runtime/store/open-group.ts",
    find: "    held.recordSeq = recordSeq;\n    this.#hold(held);",
    replace: '    held.recordSeq = recordSeq;\n    if (held.kind !== "group") this.#hold(held);',
  },
  {
    name: "frees what a frame says while it waits",
    file: "runtime/store/held-frame.ts",
    find: "if (this.frames === 0) this.#packed",
    replace: "if (this.frames <= 1) this.#packed",
  },
  {
    name: "acknowledges before its commit survives a crash (NOC)",
    file: "cloud-bridge/noc/ingest/ingest.ts",
    find: "const result = await this.#persist(signal, (nowMs) =>\n      this.#parts.store.transaction((tx) => this.#parts.writer.write(tx, batch, nowMs)),\n    );",
    replace:
      "let early = false;\n    const result = await this.#persist(signal, async (nowMs) => {\n      const news = await this.#parts.store.transaction(async (tx) => { const told = await this.#parts.writer.write(tx, batch, nowMs); if (!early) { early = true; this.#parts.onCommitted(told.news); await this.#parts.clock.sleep(1_000, signal); } return told; });\n      return news;\n    });",
  },
  {
    name: "evicts without a word",
    file: "runtime/store/relief.ts",
    find: 'ledger.drop({ kind: "gap", observedAt: clock.now(), reason: "cap", stream: run.stream, fromSeq, toSeq, fromMs, toMs, samples });',
    replace: "ledger.dropped += samples;",
  },
  {
    name: "lets what is live wait behind the backlog",
    file: "runtime/northbound/link.ts",
    find: "if (live.nextSeq - live.firstSeq > splitChunks) return true;",
    replace: "if (live.nextSeq > 0) return false;",
  },
  {
    name: "takes what a damaged journal left for what comes next in its stream",
    file: "runtime/store/recovery.ts",
    find: "const salvaged = damaged || scan.suspect ? salvagedSlots() : undefined;",
    replace: "const salvaged = damaged && scan.records.length < 0 ? salvagedSlots() : undefined;",
    damagedFrom: 1_093,
  },
  {
    name: "goes on in a stream whose first numbers stood in a lost record",
    file: "runtime/store/open-store.ts",
    find: "streams.replace(streamClass);",
    replace: "streams.split(streamClass);",
    damagedFrom: 310_108,
  },
  {
    name: "loses the anchors of earlier boots with the buffer",
    file: "runtime/clock-watch.ts",
    find: "const earlier = this.#book.of((anchor) => anchor.bootId !== bootId);",
    replace: "const earlier = this.#book.of((anchor) => anchor.bootId !== anchor.bootId);",
    damagedFrom: 20_058,
  },
  {
    name: "begins a new ledger at every start",
    file: "runtime/store/open-store.ts",
    find: "if (recovered !== undefined) restoreLedger(ledger, recovered);",
    replace: "",
  },
];

export function editsOf(mutant: Mutant): readonly Edit[] {
  return mutant.and === undefined ? [mutant] : [mutant, mutant.and];
}
