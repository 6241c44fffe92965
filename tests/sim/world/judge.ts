import type { ChunkRow } from "../../../cloud-bridge/noc/store/rows.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { DictionaryBook } from "../../../cloud-bridge/protocol/codec/dictionary-book.ts";
import type { DecodedCell, DecodedChunk, DecodedGroup, DecodedRow } from "../../../runtime/model/chunk.ts";
import { levelOf, modeOf, rowsPerTable } from "./sim-driver.ts";
import type { World } from "./world.ts";

const tenant = "acme";
const gatewayId = "gw-sim-01";
const maxReported = 12;
/** A sample's date may differ from the truth by this much where the clock was, or became, synchronised. */
const dateErrorMs = 1_000;

/** What the judge found at the NOC, and everything that is wrong with it. */
export interface Verdict {
  readonly violations: readonly string[];
  readonly polls: number;
  readonly delivered: number;
  readonly samples: number;
  readonly dropped: number;
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
  /** Poll numbers at the NOC, per equipment. */
  readonly #seen = new Map<string, Set<number>>();
  #samples = 0;
  #digest = 2166136261;

  constructor(world: World) {
    this.#world = world;
  }

  async judge(history: { readonly powerCutsMs: readonly number[]; readonly anchoredBoots: ReadonlySet<string> }): Promise<Verdict> {
    const { read } = this.#world.store;
    const gateway = await read.gateway(tenant, gatewayId);
    if (gateway === undefined) return this.#verdict(["the NOC does not know the gateway"], 0);
    const byStream = new Map<number, ChunkRow[]>();
    let after = { streamRef: -1, seq: 0 };
    for (;;) {
      const page = await read.allChunks(gateway.ref, after, 1_000);
      for (const row of page) byStream.set(row.streamRef, [...(byStream.get(row.streamRef) ?? []), row]);
      const last = page.at(-1);
      if (last === undefined) break;
      after = { streamRef: last.streamRef, seq: last.seq };
    }
    for (const rows of byStream.values()) this.#judgeStream(rows, history.anchoredBoots);
    for (const stream of await read.streams(gateway.ref)) {
      const first = stream.received[0];
      if (stream.received.length > 1 || (first !== undefined && first[0] !== 1))
        this.#wrong(`stream ${stream.id} has holes: ${JSON.stringify(stream.received)}`);
    }
    const restarts = (await read.gaps(gateway.ref, 10_000)).filter((gap) => gap.reason === "restart").length;
    if (restarts < history.powerCutsMs.length)
      this.#wrong(`${history.powerCutsMs.length} power cuts, but ${restarts} gap records say restart`);
    const { lost, dropped } = await this.#judgeCompleteness(history.powerCutsMs);
    return this.#verdict([], dropped, lost);
  }

  #judgeStream(rows: readonly ChunkRow[], anchoredBoots: ReadonlySet<string>): void {
    const decoder = createChunkDecoder();
    const book = new DictionaryBook();
    const memory = decoder.newMemory();
    const lastPoll = new Map<string, number>();
    for (const row of [...rows].sort((a, b) => a.seq - b.seq)) {
      const payload = decoder.decode(row.payload);
      if (payload.kind === "dict") {
        book.apply(payload.record);
        decoder.passOver(memory, row.seq);
        continue;
      }
      if (payload.kind !== "chunk") continue;
      const groups = book.at(payload.chunk.dictionaryRevision);
      if (groups === undefined) {
        this.#wrong(
          `stream ${row.streamRef} seq ${row.seq}: dictionary ${payload.chunk.dictionaryRevision} is not in the stream before it`,
        );
        continue;
      }
      const chunk = decoder.resolve(payload.chunk, groups, memory);
      this.#samples += chunk.samples;
      for (const group of chunk.groups) {
        for (const one of group.rows) {
          const atMs = chunk.unanchored ? undefined : one.at;
          this.#judgeRow(group, one, atMs, lastPoll);
        }
      }
      if (chunk.unanchored && anchoredBoots.has(chunk.bootId ?? "") && row.fromMs === undefined) {
        this.#wrong(`chunk ${row.seq} of boot ${chunk.bootId} was never dated, although that boot was anchored`);
      }
      if (chunk.unanchored && row.fromMs !== undefined) this.#judgeRestamp(row.fromMs, chunk);
    }
  }

  #judgeRow(group: DecodedGroup, row: DecodedRow, atMs: number | undefined, lastPoll: Map<string, number>): void {
    const id = group.group.equipment;
    const poll = numberOf(row.cells[0]);
    if (poll === undefined) {
      this.#wrong(`${id}: a row without a poll number: ${JSON.stringify(row.cells[0])}`);
      return;
    }
    const seen = this.#seen.get(id) ?? new Set<number>();
    this.#seen.set(id, seen);
    if (seen.has(poll)) this.#wrong(`${id}: poll ${poll} is at the NOC twice`);
    seen.add(poll);
    if (poll <= (lastPoll.get(id) ?? 0)) this.#wrong(`${id}: poll ${poll} comes after ${lastPoll.get(id)} in its stream`);
    lastPoll.set(id, poll);
    this.#digest = Math.imul(this.#digest ^ poll, 16777619) >>> 0;
    const truth = this.#world.site.agents.get(id)?.truth.answeredAtMs.get(poll);
    if (truth === undefined) {
      this.#wrong(`${id}: the NOC has poll ${poll}, which the agent never answered`);
      return;
    }
    if (atMs !== undefined && Math.abs(atMs - truth) > dateErrorMs) this.#wrong(`${id}: poll ${poll} is dated ${atMs - truth} ms off`);
    for (let index = 0; index < rowsPerTable; index++) this.#judgeCells(id, poll, index, group, row);
  }

  #judgeCells(id: string, poll: number, index: number, group: DecodedGroup, row: DecodedRow): void {
    for (const [at, series] of group.group.series.entries()) {
      if (series.rowKey !== `row-${index}`) continue;
      const cell = row.cells[at];
      if (series.metric === "level" && !this.#holds(cell, levelOf(poll, index)))
        this.#wrong(`${id}: level of poll ${poll} is ${JSON.stringify(cell)}`);
      if (series.metric === "mode" && !this.#holds(cell, modeOf(poll)))
        this.#wrong(`${id}: mode of poll ${poll} is ${JSON.stringify(cell)}`);
      if (series.metric === "octets") this.#judgeCounter(id, poll, index, cell);
    }
  }

  #judgeCounter(id: string, poll: number, index: number, cell: DecodedCell | undefined): void {
    const truth = this.#world.site.agents.get(id)?.truth.counters.get(poll)?.[index];
    if (truth === undefined || cell?.state !== "counter") {
      this.#wrong(`${id}: counter of poll ${poll} is ${cell?.state}`);
      return;
    }
    if (cell.absolute !== undefined && cell.absolute !== truth.absolute)
      this.#wrong(`${id}: counter of poll ${poll} is ${cell.absolute}, not ${truth.absolute}`);
    if (!Number.isNaN(cell.increment) && cell.increment !== truth.increment) {
      this.#wrong(`${id}: increment of poll ${poll} is ${cell.increment}, not ${truth.increment}`);
    }
  }

  /** "unchanged" is only right where the previous chunk is missing; the judge reads every stream whole. */
  #holds(cell: DecodedCell | undefined, expected: number | string): boolean {
    return cell?.state === "value" && cell.value === expected;
  }

  /** `fromMs` dates the earliest thing in the chunk, which may be a failed poll; the first row follows from it by the boot's own clock. */
  #judgeRestamp(fromMs: number, chunk: DecodedChunk): void {
    const rows = chunk.groups.flatMap((group) => group.rows.map((row) => ({ id: group.group.equipment, row })));
    const first = rows.sort((a, b) => a.row.at - b.row.at)[0];
    const poll = numberOf(first?.row.cells[0]);
    if (first === undefined || poll === undefined) return;
    const earliest = Math.min(first.row.at, ...chunk.misses.map((miss) => miss.at));
    const datedMs = fromMs + (first.row.at - earliest);
    const truth = this.#world.site.agents.get(first.id)?.truth.answeredAtMs.get(poll);
    if (truth !== undefined && Math.abs(datedMs - truth) > dateErrorMs)
      this.#wrong(`${first.id}: poll ${poll} was re-stamped ${Math.round(datedMs - truth)} ms off`);
  }

  async #judgeCompleteness(powerCutsMs: readonly number[]): Promise<{ readonly lost: number; readonly dropped: number }> {
    const gateway = this.#world.gateway?.gateway;
    const status = gateway === undefined ? undefined : ((await gateway.status()) as { readonly ledger: LedgerView });
    const ledger = status?.ledger ?? { polled: 0, delivered: 0, buffered: 0, dropped: 0 };
    if (ledger.polled !== ledger.delivered + ledger.buffered + ledger.dropped)
      this.#wrong(`the ledger does not balance: ${JSON.stringify(ledger)}`);
    if (ledger.delivered !== this.#samples) this.#wrong(`the gateway says ${ledger.delivered} delivered, the NOC has ${this.#samples}`);
    let lost = 0;
    let unexplained = 0;
    for (const [id, agent] of this.#world.site.agents) {
      for (const [poll, atMs] of agent.truth.answeredAtMs) {
        if (this.#seen.get(id)?.has(poll) === true) continue;
        // Not durable yet when the power went: at most the durability window, and what was on its way to it.
        const cut = powerCutsMs.some((cutMs) => atMs <= cutMs && atMs > cutMs - 11_000);
        if (cut) lost += 1;
        else if (++unexplained * rowsPerTable * 4 > ledger.dropped + ledger.buffered)
          this.#wrong(`${id}: poll ${poll} of ${new Date(atMs).toISOString()} is gone without a word`);
      }
    }
    return { lost, dropped: ledger.dropped };
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
    return { violations, polls, delivered, samples: this.#samples, dropped, lostInPowerCuts: lost, digest: this.#digest.toString(16) };
  }
}

interface LedgerView {
  readonly polled: number;
  readonly delivered: number;
  readonly buffered: number;
  readonly dropped: number;
}

function numberOf(cell: DecodedCell | undefined): number | undefined {
  return cell?.state === "value" && typeof cell.value === "number" ? cell.value : undefined;
}
