import type { DecodedCell, DecodedChunk, DecodedGroup, DecodedRow, DictionaryGroup, DictionarySeries } from "#model/chunk.ts";
import { salvagedFlag } from "#model/chunk.ts";
import { GatewayError } from "#model/errors.ts";
import type { RawChunk, SeriesMemory } from "#ports/codec.ts";
import { type GroupMemory, rebaseMap, resolveCounter, resolveGauge, resolveText, uint64, wireValueAt } from "./cells.ts";
import { flagKeyFrame, flagUnanchored, limits, type RawBody, type RawGroup, seriesState, type WireValue } from "./layout.ts";
import { stateOf } from "./merge.ts";

/** Memory of one stream, valid as long as no seq is left out. */
export class StreamMemory implements SeriesMemory {
  nextSeq = 0;
  readonly groups = new Map<number, GroupMemory>();
}

function asMemory(memory: SeriesMemory | undefined): StreamMemory | undefined {
  if (memory === undefined || memory instanceof StreamMemory) return memory;
  throw new TypeError("the memory must come from newMemory()");
}

/** Takes note that `seq` of the stream holds no rows (a dictionary record). A seq that skips some makes the memory forget. */
export function passOver(memory: SeriesMemory, seq: number): void {
  const own = asMemory(memory);
  if (own === undefined || seq < own.nextSeq) return;
  if (seq !== own.nextSeq) own.groups.clear();
  own.nextSeq = seq + 1;
}

function malformed(message: string): GatewayError {
  return new GatewayError("codec.malformed", { message });
}

/** See ChunkDecoder.resolve. A chunk that is older than the memory is resolved without it and leaves it alone. */
export function resolveChunk(chunk: RawChunk, dictionary: ReadonlyMap<number, DictionaryGroup>, memory?: SeriesMemory): DecodedChunk {
  const body = chunk.body as RawBody;
  const known = asMemory(memory);
  const groups = body.groups.map((group) => ({ group, entry: entryOf(group.gid, chunk, dictionary) }));
  let cells = 0;
  for (const { group, entry } of groups) cells += group.dts.length * entry.series.length;
  if (cells > limits.cells) throw new GatewayError("codec.limit", { message: "too many cells", fields: { cells } });
  // Checked as a whole before the memory is touched: half a chunk must not leave a trace in it.
  for (const { group, entry } of groups) assertShape(group, entry);
  const usable = known !== undefined && chunk.seq >= known.nextSeq ? known : undefined;
  if (usable !== undefined) advance(usable, chunk, dictionary);
  const counter: SampleCounter = { samples: 0 };
  const resolved = groups.map(({ group, entry }) => resolveGroup(chunk, group, entry, memoryOf(usable, group.gid, entry), counter));
  const unanchored = (chunk.flags & flagUnanchored) !== 0;
  return {
    stream: chunk.stream,
    seq: chunk.seq,
    dictionaryRevision: chunk.dictionaryRevision,
    keyFrame: (chunk.flags & flagKeyFrame) !== 0,
    unanchored,
    salvaged: (chunk.flags & salvagedFlag) !== 0,
    bootId: unanchored ? chunk.bootId : undefined,
    intervalMs: chunk.intervalMs,
    groups: resolved,
    misses: body.misses.map(([groupId, , reason, dt]) => ({ groupId, at: chunk.t0 + dt, reason })),
    samples: counter.samples,
  };
}

function entryOf(gid: number, chunk: RawChunk, dictionary: ReadonlyMap<number, DictionaryGroup>): DictionaryGroup {
  const entry = dictionary.get(gid);
  if (entry !== undefined) return entry;
  throw new GatewayError("codec.dictionary", {
    message: "a group the dictionary does not have",
    fields: { gid, revision: chunk.dictionaryRevision },
  });
}

function advance(memory: StreamMemory, chunk: RawChunk, dictionary: ReadonlyMap<number, DictionaryGroup>): void {
  passOver(memory, chunk.seq);
  if ((chunk.flags & salvagedFlag) !== 0) memory.groups.clear();
  if (memory.groups.size <= dictionary.size) return;
  for (const gid of memory.groups.keys()) if (!dictionary.has(gid)) memory.groups.delete(gid);
}

function memoryOf(memory: StreamMemory | undefined, gid: number, entry: DictionaryGroup): GroupMemory {
  const known = memory?.groups.get(gid);
  if (known !== undefined && known.length === entry.series.length) return known;
  const made: GroupMemory = new Array<undefined>(entry.series.length).fill(undefined);
  memory?.groups.set(gid, made);
  return made;
}

/** Everything that could go wrong in a group, looked at once, so that resolving cannot fail half way. */
function assertShape(group: RawGroup, entry: DictionaryGroup): void {
  const { series } = entry;
  if (group.state.length !== (series.length + 3) >>> 2) throw malformed("state does not fit the group's series");
  let next = 0;
  let counters = 0;
  for (const [index, one] of series.entries()) {
    if (one.kind === "c") counters += 1;
    const state = stateOf(group.state, index);
    const count = state === seriesState.constant ? 1 : state === seriesState.perRow ? group.dts.length : 0;
    for (let i = 0; i < count; i++) assertValue(group.vals[next + i], one);
    next += count;
  }
  if (next !== group.vals.length) throw malformed("vals do not fit the group's state");
  if (group.base !== undefined && group.base.length !== counters) throw malformed("base does not fit the group's counters");
  for (const [index, row] of group.rebase) {
    if (series[index]?.kind !== "c" || row >= group.dts.length) throw malformed("a rebase of no counter or row");
  }
}

const integerPattern = /^-?[0-9]{1,20}$/;
const floatPattern = /^f(-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]{1,3})?|NaN|-?Infinity)$/;

function assertValue(value: WireValue | undefined, series: DictionarySeries): void {
  if (value === undefined) throw malformed("vals end too early");
  if (value === null || value === false) return;
  if (series.kind === "s") {
    if (typeof value !== "string") throw malformed("a text series without a text");
  } else if (series.kind === "c") {
    if (value === true) return;
    const isText = typeof value === "string" && /^[0-9]{1,20}$/.test(value);
    if (
      !isText &&
      !(typeof value === "number" && Number.isSafeInteger(value) && value >= 0) &&
      !(typeof value === "bigint" && value >= 0n)
    ) {
      throw malformed("an increment is not an unsigned integer");
    }
  } else if (value === true || (typeof value === "string" && !integerPattern.test(value) && !floatPattern.test(value))) {
    throw malformed("a gauge is not a number");
  }
}

interface SampleCounter {
  samples: number;
}

function resolveGroup(chunk: RawChunk, group: RawGroup, entry: DictionaryGroup, memory: GroupMemory, counter: SampleCounter): DecodedGroup {
  const rows: DecodedCell[][] = group.dts.map(() => []);
  const rebases = rebaseMap(group);
  let next = 0;
  let base = 0;
  for (const [index, series] of entry.series.entries()) {
    const state = stateOf(group.state, index);
    const at = next;
    if (state === seriesState.constant) next += 1;
    else if (state === seriesState.perRow) next += group.dts.length;
    const valueAt = (row: number): WireValue => wireValueAt(group, state, at, row);
    if (series.kind === "c") {
      const given = group.base?.[base];
      base += 1;
      if (given !== undefined && given !== null)
        memory[index] = { state: "counter", increment: Number.NaN, absolute: uint64(BigInt(given)) };
      resolveCounter({ index, rows, valueAt, rebases }, memory);
    } else if (series.kind === "g")
      resolveGauge({ index, rows, valueAt, scale: series.scale, perRow: state === seriesState.perRow }, memory);
    else resolveText({ index, rows, valueAt }, memory);
  }
  for (const cells of rows) for (const cell of cells) if (cell.state !== "missing") counter.samples += 1;
  return { group: entry, rows: timed(chunk, group, rows) };
}

function timed(chunk: RawChunk, group: RawGroup, rows: readonly DecodedCell[][]): readonly DecodedRow[] {
  let at = chunk.t0;
  return rows.map((cells, row) => {
    at += (group.dts[row] ?? 0) + (row === 0 ? 0 : chunk.intervalMs);
    return { at, cells };
  });
}
