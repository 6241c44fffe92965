import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { SnmpSession, WalkedCell, WalkedPart, WalkRoot, WalkTogetherLimits } from "#ports/snmp.ts";

/** One reading of one device: where it asks, until when, and what it has to say about gaps. */
export interface Reading {
  readonly session: SnmpSession;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Says in words what is missing; bounded. */
  readonly note: (sentence: string) => void;
}

/** A table or column to be read. */
export interface TableRoot extends WalkRoot {
  /** What a note calls it. */
  readonly what: string;
}

/** What can be read of a varbind or of a cell. */
type Value = Pick<WalkedCell, "value">;

/** Cells by index. */
export type Column = ReadonlyMap<string, Value>;

/** Rows of a table by index; each row holds its columns by arc. */
export type Rows = ReadonlyMap<string, ReadonlyMap<number, Value>>;

/** What came of one root, and why not all of it. */
export interface Part {
  readonly what: string;
  readonly cells: Map<string, Value>;
  failure?: GatewayError;
}

/** A part for each root; undefined ones are not read. */
export type Parts<T> = { readonly [K in keyof T]: T[K] extends TableRoot ? Part : Part | undefined };

/** All of them in one walk; what goes wrong with one is said when it is taken. @throws GatewayError driver.* when nothing could be asked */
export async function readTogether<T extends Readonly<Record<string, TableRoot | undefined>>>(
  reading: Reading,
  roots: T,
): Promise<Parts<T>> {
  const { session, deadlineMs, signal } = reading;
  const named = Object.entries(roots).flatMap(([name, root]) => (root === undefined ? [] : [{ name, ...root }]));
  const parts = named.map(({ what }): Part => ({ what, cells: new Map() }));
  if (named.length > 0) {
    const limits = { maxRequests: Math.max(...named.map(({ maxRows }) => maxRows)) + 16, deadlineMs };
    const walk = session.walkTogether?.(named, limits, signal) ?? walkEach(session, named, limits, signal);
    for await (const batch of walk) {
      for (const { root, cells, failure } of batch) {
        const part = parts[root];
        if (part === undefined) continue;
        for (const cell of cells) if (cell.value !== undefined) part.cells.set(cell.index, cell);
        if (failure !== undefined) part.failure = failure;
      }
    }
  }
  return Object.fromEntries(named.map(({ name }, place) => [name, parts[place]])) as Parts<T>;
}

/** For sessions that cannot do better. */
async function* walkEach(
  session: SnmpSession,
  roots: readonly WalkRoot[],
  limits: WalkTogetherLimits,
  signal: AbortSignal,
): AsyncGenerator<readonly WalkedPart[]> {
  for (const [root, { oid, maxRows }] of roots.entries()) {
    const prefix = `${oid}.`;
    try {
      for await (const batch of session.walk(oid, { ...limits, maxRows }, signal)) {
        const rows = batch.filter((varbind) => varbind.oid.startsWith(prefix));
        yield [{ root, cells: rows.map((varbind) => ({ index: varbind.oid.slice(prefix.length), value: varbind.value })) }];
      }
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      yield [{ root, cells: [], failure: error }];
    }
  }
}

/**
 * What was read of a root: too long, out of time or broken in the middle, then it is what was read until then, and a note. No answer at all is the
 * caller's business. @throws GatewayError driver.timeout | driver.auth | driver.unreachable
 */
export function columnOf({ note }: Reading, { what, cells, failure }: Part): Column {
  if (failure === undefined) return cells;
  if (!isBorne(failure)) throw failure;
  note(`${what}: ${failure.code === "driver.limit" ? "too long, read in part" : "answers that are not valid, read in part"}`);
  return cells;
}

/** Nothing was read although the device answered: the table that took this one's place is worth a look. */
export function isEmpty({ cells, failure }: Part): boolean {
  return cells.size === 0 && (failure === undefined || isBorne(failure));
}

function isBorne({ code }: GatewayError): boolean {
  return code === "driver.limit" || code === "driver.bad-answer" || code === "driver.refused";
}

/** A root that is a table entry, by rows; as columnOf. */
export function rowsOf(reading: Reading, part: Part): Rows {
  const rows = new Map<string, Map<number, Value>>();
  for (const [rest, cell] of columnOf(reading, part)) {
    const dot = rest.indexOf(".");
    if (dot < 1) continue;
    const index = rest.slice(dot + 1);
    const row = rows.get(index) ?? new Map<number, Value>();
    rows.set(index, row);
    row.set(Number(rest.slice(0, dot)), cell);
  }
  return rows;
}

export function arcsOf(index: string): readonly number[] {
  return index === "" ? [] : index.split(".").map(Number);
}

export function numberOf(varbind: Value | undefined): number | undefined {
  return typeof varbind?.value === "number" ? varbind.value : undefined;
}

export function bytesOf(varbind: Value | undefined): Uint8Array {
  return varbind?.value instanceof Uint8Array ? varbind.value : new Uint8Array(0);
}

const decoder = new TextDecoder();
/** Words of printable ASCII with single spaces between them. */
const plainText = /^[!-~]+(?: [!-~]+)*$/;

/** Text as people may see it: UTF-8, no control or format characters, at most 255 characters. */
export function textOf(varbind: Value | undefined): string {
  if (typeof varbind?.value === "string") return varbind.value;
  return cleanText(bytesOf(varbind));
}

export function cleanText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes.subarray(0, 1024));
  // Nearly every name of a port; a switch has some hundred of them.
  if (plainText.test(text)) return text.slice(0, 255);
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\uFFFD]/gu, " ")
    .replaceAll(/ +/g, " ")
    .trim()
    .slice(0, 255);
}
