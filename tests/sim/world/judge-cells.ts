import type { ChunkRow } from "../../../cloud-bridge/noc/store/rows.ts";
import type { DecodedCell, DecodedChunk, DecodedGroup, DecodedRow } from "../../../runtime/model/chunk.ts";
import { levelOf, modeOf, rowsPerTable } from "./sim-driver.ts";
import type { World } from "./world.ts";

/** One poll of one equipment as the NOC has it. */
interface JudgedPoll {
  readonly id: string;
  readonly poll: number;
  readonly group: DecodedGroup;
  readonly cells: readonly DecodedCell[];
  /** No key frame since a hole of the stream: "unchanged" may stand for anything. */
  readonly isAfterHole: boolean;
}

/** Every cell that is not what the agent answered. */
export function wrongCells(world: World, judged: JudgedPoll): readonly string[] {
  const { id, poll, group, cells, isAfterHole } = judged;
  const wrong: string[] = [];
  for (const [at, series] of group.group.series.entries()) {
    const row = Number(series.rowKey.slice("row-".length));
    const cell = cells[at];
    if (!(row < rowsPerTable)) wrong.push(`${id}: a row ${series.rowKey} that no agent has`);
    if (series.metric === "octets") wrong.push(...wrongCounter(world, judged, row, cell));
    if (cell?.state === "unchanged" && isAfterHole) continue;
    if (series.metric === "level" && !holds(cell, levelOf(poll, row)))
      wrong.push(`${id}: level of poll ${poll} is ${JSON.stringify(cell)}`);
    if (series.metric === "mode" && !holds(cell, modeOf(poll, row, world.options.padChars)))
      wrong.push(`${id}: mode of poll ${poll} is ${JSON.stringify(cell)?.slice(0, 80)}`);
  }
  return wrong;
}

function holds(cell: DecodedCell | undefined, expected: number | string): boolean {
  return cell?.state === "value" && cell.value === expected;
}

function wrongCounter(world: World, { id, poll, isAfterHole }: JudgedPoll, row: number, cell: DecodedCell | undefined): readonly string[] {
  const truth = world.site.agents.get(id)?.truth.counters.get(poll)?.[row];
  if (cell?.state === "unchanged" && isAfterHole) return [];
  if (truth === undefined || cell?.state !== "counter") return [`${id}: counter of poll ${poll} is ${cell?.state}`];
  const wrong: string[] = [];
  if (cell.absolute !== undefined && cell.absolute !== truth.absolute)
    wrong.push(`${id}: counter of poll ${poll} is ${cell.absolute}, not ${truth.absolute}`);
  if (!Number.isNaN(cell.increment) && cell.increment !== truth.increment)
    wrong.push(`${id}: increment of poll ${poll} is ${cell.increment}, not ${truth.increment}`);
  return wrong;
}

export interface UndatedRow extends Pick<DecodedRow, "cells"> {
  readonly salvaged: boolean;
  /** Unix ms; undefined = the clock stood unanchored. */
  readonly at: number | undefined;
}

export function earliestOf(chunk: DecodedChunk): number {
  return Math.min(...chunk.groups.flatMap((group) => group.rows.map((row) => row.at)), ...chunk.misses.map((miss) => miss.at));
}

/** A time of an unanchored chunk, by the date that the NOC gave the chunk. */
export function datedAt(row: ChunkRow, chunk: DecodedChunk, at: number): number | undefined {
  return row.fromMs === undefined ? undefined : row.fromMs + (at - earliestOf(chunk));
}

export function numberOf(cell: DecodedCell | undefined): number | undefined {
  return cell?.state === "value" && typeof cell.value === "number" ? cell.value : undefined;
}
