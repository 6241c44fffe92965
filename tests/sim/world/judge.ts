import type { ChunkRow, GapRow } from "../../../cloud-bridge/noc/store/rows.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { DictionaryBook } from "../../../cloud-bridge/protocol/codec/dictionary-book.ts";
import { type DecodedChunk, type DecodedGroup, type DictionaryGroup, salvagedFlag } from "../../../runtime/model/chunk.ts";
import { datedAt, earliestOf, numberOf, type UndatedRow, wrongCells } from "./judge-cells.ts";
import { chunksByStream, failuresWithoutMiss, liveFirst, mayBeTorn, mayNotBeDurable, tellsOf, unexplainedHoles } from "./judge-parts.ts";
import type { WorldHistory } from "./schedule.ts";
import { samplesPerPoll } from "./sim-driver.ts";
import type { World } from "./world.ts";

const tenant = "acme";
const gatewayId = "gw-sim-01";
const maxReported = 12;
/** A sample's date may differ from the truth by this much where the clock was, or became, synchronised. */
const dateErrorMs = 1_000;
/** After an outage the newest value is at the NOC this long after CONNACK, whatever backlog there is. */
const liveFirstLimitMs = 5_000;

/** What the judge found at the NOC, and everything that is wrong with it. */
export interface Verdict {
  readonly violations: readonly string[];
  readonly polls: number;
  readonly delivered: number;
  readonly samples: number;
  /** Samples the gateway's ledger calls dropped. */
  readonly dropped: number;
  /** Polls that are missing and were told so, by eviction or damage. */
  readonly droppedPolls: number;
  readonly evicted: boolean;
  /** The newest value after an outage: how often measured, and the longest time from CONNACK to the NOC's commit, ms. */
  readonly liveFirst: { readonly connacks: number; readonly maxMs: number };
  readonly lostInPowerCuts: number;
  readonly digest: string;
}

/**
 * Decodes everything the NOC stored and holds it against what the simulated agents really answered. Uses the wire's decoder and the agents' notes,
 * nothing of the gateway's or the NOC's own books, except where their books are what is judged.
 */
export class Judge {
  readonly #world: World;
  readonly #violations: string[] = [];
  readonly #history: WorldHistory;
  /** Poll numbers at the NOC with the time they were committed, per equipment. */
  readonly #seen = new Map<string, Map<number, number>>();
  /** Polls that came in a salvaged chunk: they may be there in another one as well. */
  readonly #salvaged = new Map<string, Set<number>>();
  readonly #twice: { readonly id: string; readonly poll: number }[] = [];
  /** When failed polls were, as far as it is known, per equipment. */
  readonly #misses = new Map<string, number[]>();
  #undatedMisses = 0;
  readonly #books: DictionaryBook[] = [];
  #samples = 0;
  #digest = 2166136261;
  /** Groups with a key frame since the stream's last told hole; the others may say "unchanged". undefined = there was no hole. */
  #keyedGroups: Set<number> | undefined;
  #isAfterHole = false;
  /** Samples at the NOC that the gateway had to give up before it heard so. */
  #toldButHere = 0;
  #liveFirst = { connacks: 0, maxMs: 0 };
  #droppedPolls = 0;
  #evicted = false;

  constructor(world: World, history: WorldHistory) {
    this.#world = world;
    this.#history = history;
  }

  /** A damaged store cannot keep its books whole: what it lost must be told, but not by the sample. */
  get #isDamaged(): boolean {
    return this.#history.damagesMs.length > 0;
  }

  get #lastDamageMs(): number {
    return Math.max(0, ...this.#history.damagesMs);
  }

  async judge(): Promise<Verdict> {
    const { read } = this.#world.store;
    const { powerCutsMs, damagesMs } = this.#history;
    const gateway = await read.gateway(tenant, gatewayId);
    if (gateway === undefined) return this.#verdict(["the NOC does not know the gateway"], 0);
    const byStream = await chunksByStream(read, gateway.ref);
    const streams = await read.streams(gateway.ref);
    const gaps = await read.gaps(gateway.ref, 10_000);
    for (const stream of streams)
      this.#judgeStream(
        byStream.get(stream.ref) ?? [],
        gaps.filter((gap) => gap.streamId === stream.id),
      );
    this.#evicted = gaps.some((gap) => gap.reason === "cap");
    for (const hole of unexplainedHoles(streams, byStream, gaps)) this.#wrong(hole);
    const reused = (await read.deadLetters(gateway.ref, 1_000)).find((letter) => letter.reason === "sequence-reused");
    if (reused !== undefined) this.#wrong(`stream ${reused.streamId} seq ${reused.seq} came twice, with other bytes the second time`);
    const lastDamageMs = this.#lastDamageMs;
    const cuts = powerCutsMs.filter((cutMs) => cutMs >= lastDamageMs).length;
    const restarts = gaps.filter((gap) => gap.reason === "restart" && gap.recordedMs >= lastDamageMs).length;
    if (restarts < cuts) this.#wrong(`${cuts} power cuts since the last damage, but ${restarts} gap records say restart`);
    for (const damagedMs of damagesMs)
      if (!gaps.some((gap) => gap.recordedMs >= damagedMs))
        this.#wrong(`no gap record tells of the damage of ${new Date(damagedMs).toISOString()}`);
    for (const { id, poll } of this.#twice) {
      // What was sealed in a record that was damaged afterwards is sealed again, and says so.
      if (this.#salvaged.get(id)?.has(poll) !== true)
        this.#wrong(`${id}: poll ${poll} is at the NOC twice, and no chunk says that it was salvaged`);
    }
    const { lost, dropped } = await this.#judgeCompleteness(gaps);
    if (!this.#evicted && !this.#isDamaged) {
      const silent = failuresWithoutMiss(this.#world, this.#history, this.#misses);
      if (silent.length > this.#undatedMisses) this.#wrong(`${silent.length} failed polls are no miss at the NOC: ${silent[0]}`);
    }
    this.#liveFirst = liveFirst(this.#world, this.#seen);
    if (this.#liveFirst.maxMs > liveFirstLimitMs)
      this.#wrong(`the newest value came ${Math.round(this.#liveFirst.maxMs)} ms after CONNACK`);
    return this.#verdict([], dropped, lost);
  }

  #judgeStream(rows: readonly ChunkRow[], gaps: readonly GapRow[]): void {
    const { anchoredBoots } = this.#history;
    const decoder = createChunkDecoder();
    const book = new DictionaryBook();
    this.#books.push(book);
    const memory = decoder.newMemory();
    const lastPoll = new Map<string, number>();
    let nextSeq = 1;
    this.#keyedGroups = undefined;
    for (const row of [...rows].sort((a, b) => a.seq - b.seq)) {
      if (row.seq !== nextSeq) this.#keyedGroups = new Set();
      nextSeq = row.seq + 1;
      const payload = decoder.decode(row.payload);
      if (payload.kind === "dict") {
        book.apply(payload.record);
        decoder.passOver(memory, row.seq);
        continue;
      }
      if (payload.kind !== "chunk") continue;
      const { dictionaryRevision, flags } = payload.chunk;
      const salvaged = (flags & salvagedFlag) !== 0;
      if (salvaged && !this.#isDamaged && !mayBeTorn(this.#history, row.receivedMs))
        this.#wrong(`stream ${row.streamRef} seq ${row.seq} calls itself salvaged, but nothing was damaged`);
      // What is sealed again after damage goes into a new stream; its dictionary may have arrived with the old one. Or the damage took the dictionary.
      const isBereft = salvaged || gaps.some((gap) => gap.reason === "corrupt" && gap.fromSeq < row.seq);
      const groups = [book, ...(isBereft ? this.#books : [])].map((one) => one.at(dictionaryRevision)).find((one) => one !== undefined);
      if (groups === undefined) {
        // The NOC then says that it cannot read the chunk: it waits for the dictionary, and is a dead letter in the end.
        if (isBereft && (row.state === "parked" || row.state === "dead")) continue;
        this.#wrong(
          `stream ${row.streamRef} seq ${row.seq}: dictionary ${payload.chunk.dictionaryRevision} is not in the stream before it (${row.state})`,
        );
        continue;
      }
      if (row.state === "dead") this.#wrong(`stream ${row.streamRef} seq ${row.seq} is a dead letter, although it can be read`);
      // Follows nothing in its stream; and what comes next does not follow it.
      if (salvaged) this.#keyedGroups = new Set();
      const chunk = decoder.resolve(payload.chunk, groups, memory);
      this.#samples += chunk.samples;
      this.#noteMisses(row, chunk, groups);
      if (gaps.some((gap) => row.seq >= gap.fromSeq && row.seq <= gap.toSeq)) this.#toldButHere += chunk.samples;
      for (const group of chunk.groups) {
        // Half of a slot may be lost: each group has a key frame of its own.
        if (chunk.keyFrame) this.#keyedGroups?.add(group.group.groupId);
        this.#isAfterHole = this.#keyedGroups?.has(group.group.groupId) === false;
        for (const one of group.rows) {
          const atMs = chunk.unanchored ? undefined : one.at;
          this.#judgeRow(group, { ...one, at: atMs, salvaged }, row.receivedMs, lastPoll);
        }
      }
      if (chunk.unanchored && anchoredBoots.has(chunk.bootId ?? "") && row.fromMs === undefined) {
        this.#wrong(`chunk ${row.seq} of boot ${chunk.bootId} was never dated, although that boot was anchored`);
      }
      if (chunk.unanchored && row.fromMs !== undefined) this.#judgeRestamp(row.fromMs, chunk);
    }
  }

  #noteMisses(row: ChunkRow, chunk: DecodedChunk, groups: ReadonlyMap<number, DictionaryGroup>): void {
    for (const miss of chunk.misses) {
      const id = groups.get(miss.groupId)?.equipment ?? "";
      const atMs = chunk.unanchored ? datedAt(row, chunk, miss.at) : miss.at;
      if (atMs === undefined) this.#undatedMisses += 1;
      else this.#misses.set(id, [...(this.#misses.get(id) ?? []), atMs]);
    }
  }

  #judgeRow(group: DecodedGroup, row: UndatedRow, receivedMs: number, lastPoll: Map<string, number>): void {
    const atMs = row.at;
    const id = group.group.equipment;
    const poll = numberOf(row.cells[0]);
    if (poll === undefined) {
      this.#wrong(`${id}: a row without a poll number: ${JSON.stringify(row.cells[0])}`);
      return;
    }
    const seen = this.#seen.get(id) ?? new Map<number, number>();
    this.#seen.set(id, seen);
    if (seen.has(poll)) this.#twice.push({ id, poll });
    if (row.salvaged) this.#salvaged.set(id, (this.#salvaged.get(id) ?? new Set()).add(poll));
    seen.set(poll, Math.min(receivedMs, seen.get(poll) ?? receivedMs));
    if (poll <= (lastPoll.get(id) ?? 0)) this.#wrong(`${id}: poll ${poll} comes after ${lastPoll.get(id)} in its stream`);
    lastPoll.set(id, poll);
    this.#digest = Math.imul(this.#digest ^ poll, 16777619) >>> 0;
    const truth = this.#world.site.agents.get(id)?.truth.answeredAtMs.get(poll);
    if (truth === undefined) {
      this.#wrong(`${id}: the NOC has poll ${poll}, which the agent never answered`);
      return;
    }
    if (atMs !== undefined && Math.abs(atMs - truth) > dateErrorMs) this.#wrong(`${id}: poll ${poll} is dated ${atMs - truth} ms off`);
    for (const sentence of wrongCells(this.#world, { id, poll, group, cells: row.cells, isAfterHole: this.#isAfterHole }))
      this.#wrong(sentence);
  }

  /** `fromMs` dates the earliest thing in the chunk, which may be a failed poll; the first row follows from it by the boot's own clock. */
  #judgeRestamp(fromMs: number, chunk: DecodedChunk): void {
    const rows = chunk.groups.flatMap((group) => group.rows.map((row) => ({ id: group.group.equipment, row })));
    const first = rows.sort((a, b) => a.row.at - b.row.at)[0];
    const poll = numberOf(first?.row.cells[0]);
    if (first === undefined || poll === undefined) return;
    const datedMs = fromMs + (first.row.at - earliestOf(chunk));
    const truth = this.#world.site.agents.get(first.id)?.truth.answeredAtMs.get(poll);
    if (truth !== undefined && Math.abs(datedMs - truth) > dateErrorMs)
      this.#wrong(`${first.id}: poll ${poll} was re-stamped ${Math.round(datedMs - truth)} ms off`);
  }

  async #judgeCompleteness(gaps: readonly GapRow[]): Promise<{ readonly lost: number; readonly dropped: number }> {
    const stats = await this.#world.gateway?.buffer.stats();
    const ledger = stats?.ledger ?? { polled: 0, delivered: 0, buffered: 0, dropped: 0 };
    const { polled, delivered, buffered, dropped } = ledger;
    if (polled !== delivered + buffered + dropped)
      this.#wrong(`the ledger does not balance: ${polled} polled, ${delivered} delivered, ${buffered} buffered, ${dropped} dropped`);
    if (delivered !== this.#samples - this.#toldButHere && !this.#isDamaged)
      this.#wrong(`the gateway says ${delivered} delivered, the NOC has ${this.#samples}, ${this.#toldButHere} of them told as dropped`);
    const lastDamageMs = this.#lastDamageMs;
    // What a damage took is told by then; of what came later only what was dropped later may be missing.
    const droppedSince = this.#isDamaged ? dropped - this.#history.droppedAtDamage : dropped - this.#toldButHere;
    let lost = 0;
    let missing = 0;
    let missingSince = 0;
    let untold = 0;
    for (const [id, agent] of this.#world.site.agents) {
      for (const [poll, atMs] of agent.truth.answeredAtMs) {
        if (this.#seen.get(id)?.has(poll) === true) continue;
        if (mayNotBeDurable(this.#history, gaps, atMs)) lost += 1;
        else {
          missing += 1;
          if (atMs > lastDamageMs && ++missingSince * samplesPerPoll > droppedSince)
            this.#wrong(`${id}: poll ${poll} of ${new Date(atMs).toISOString()} is gone without a word`);
          if (atMs <= lastDamageMs && !tellsOf(gaps, atMs)) untold += 1;
        }
      }
    }
    const told = gaps.reduce((sum, gap) => sum + (gap.samples ?? 0), 0);
    if (untold * samplesPerPoll > told)
      this.#wrong(`${untold} polls from before a damage are gone, but gap records tell of ${told} samples only`);
    // Polls in a cut's window may have been durable, and evicted later.
    if (!this.#isDamaged && dropped - this.#toldButHere > (missing + lost) * samplesPerPoll)
      this.#wrong(`the gateway says ${dropped} samples dropped, but only ${missing * samplesPerPoll} are missing`);
    this.#droppedPolls = missing;
    return { lost, dropped };
  }

  #wrong(sentence: string): void {
    this.#violations.push(sentence);
  }

  #verdict(more: readonly string[], dropped: number, lost = 0): Verdict {
    const all = [...this.#violations, ...more];
    const violations = all.length > maxReported ? [...all.slice(0, maxReported), `... and ${all.length - maxReported} more`] : all;
    let polls = 0;
    let delivered = 0;
    for (const agent of this.#world.site.agents.values()) polls += agent.truth.answered;
    for (const seen of this.#seen.values()) delivered += seen.size;
    const told = { dropped, droppedPolls: this.#droppedPolls, evicted: this.#evicted, lostInPowerCuts: lost, liveFirst: this.#liveFirst };
    return { violations, polls, delivered, samples: this.#samples, ...told, digest: this.#digest.toString(16) };
  }
}
