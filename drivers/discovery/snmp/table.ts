import { isGatewayError } from "#model/errors.ts";
import type { SnmpSession, Varbind } from "#ports/snmp.ts";

/** One reading of one device: where it asks, until when, and what it has to say about gaps. */
export interface Reading {
  readonly session: SnmpSession;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Says in words what is missing; bounded. */
  readonly note: (sentence: string) => void;
}

/** Rows of a table by index; each row holds its columns by arc. */
export type Rows = ReadonlyMap<string, ReadonlyMap<number, Varbind>>;

/**
 * All of a table entry in one walk. Too long, out of time or broken in the middle: what was read until then, and a note. No answer at all
 * is the caller's business. @throws GatewayError driver.timeout | driver.auth | driver.unreachable
 */
export async function readEntry(reading: Reading, what: string, entry: string, maxCells: number): Promise<Rows> {
  const rows = new Map<string, Map<number, Varbind>>();
  await walk(reading, what, entry, maxCells, (rest, varbind) => {
    const dot = rest.indexOf(".");
    if (dot < 1) return;
    const index = rest.slice(dot + 1);
    const row = rows.get(index) ?? new Map<number, Varbind>();
    rows.set(index, row);
    row.set(Number(rest.slice(0, dot)), varbind);
  });
  return rows;
}

/** One column by index; as readEntry. */
export async function readColumn(reading: Reading, what: string, column: string, maxRows: number): Promise<ReadonlyMap<string, Varbind>> {
  const cells = new Map<string, Varbind>();
  await walk(reading, what, column, maxRows, (rest, varbind) => cells.set(rest, varbind));
  return cells;
}

async function walk(
  { session, deadlineMs, signal, note }: Reading,
  what: string,
  root: string,
  maxRows: number,
  take: (rest: string, varbind: Varbind) => void,
): Promise<void> {
  const prefix = `${root}.`;
  try {
    for await (const batch of session.walk(root, { maxRows, maxRequests: maxRows + 16, deadlineMs }, signal)) {
      for (const varbind of batch) {
        if (varbind.oid.startsWith(prefix) && varbind.value !== undefined) take(varbind.oid.slice(prefix.length), varbind);
      }
    }
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "driver.limit" && error.code !== "driver.bad-answer" && error.code !== "driver.refused") throw error;
    note(`${what}: ${error.code === "driver.limit" ? "too long, read in part" : "answers that are not valid, read in part"}`);
  }
}

export function arcsOf(index: string): readonly number[] {
  return index === "" ? [] : index.split(".").map(Number);
}

export function numberOf(varbind: Varbind | undefined): number | undefined {
  return typeof varbind?.value === "number" ? varbind.value : undefined;
}

export function bytesOf(varbind: Varbind | undefined): Uint8Array {
  return varbind?.value instanceof Uint8Array ? varbind.value : new Uint8Array(0);
}

const decoder = new TextDecoder();
/** Words of printable ASCII with single spaces between them. */
const plainText = /^[!-~]+(?: [!-~]+)*$/;

/** Text as people may see it: UTF-8, no control or format characters, at most 255 characters. */
export function textOf(varbind: Varbind | undefined): string {
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
