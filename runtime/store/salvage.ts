import { crc32 } from "node:zlib";
import type { Database } from "better-sqlite3";
import type { StreamClass } from "#model/chunk.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Backlog } from "./backlog.ts";
import { type ChunkRow, factsOfRow, maxPayloadBytes, seqSpan } from "./backlog-schema.ts";
import type { Disk } from "./disk.ts";
import { atDisk } from "./disk-error.ts";
import type { StreamTable } from "./streams.ts";

export interface SalvageParts {
  readonly disk: Disk;
  /** The damaged database where it was set aside. */
  readonly file: string;
  readonly into: Backlog;
  readonly streams: StreamTable;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly budgetMs: number;
}

const pageRows = 64;
const maxFailures = 1000;

interface Row extends ChunkRow {
  /** Null where the length is not the one that was noted. */
  readonly bytes: Buffer | null;
}

/** Copies what can still be read, and matches its checksum, out of a damaged backlog. Stops when its time is over. @returns rows saved */
export function salvage(parts: SalvageParts): number {
  let database: Database | undefined;
  let saved = 0;
  try {
    database = parts.disk.openDatabase(parts.file);
    const source = database;
    const streams = atDisk({ file: parts.file }, () =>
      source.prepare<[], { number: number; id: string; class: StreamClass }>("SELECT number, id, class FROM stream").all(),
    );
    const deadlineMs = parts.clock.monotonicMs() + parts.budgetMs;
    // A number that no stream has makes keys that cannot be counted up.
    const possible = streams.filter(
      ({ number }) => Number.isSafeInteger(number) && number > 0 && Number.isSafeInteger((number + 1) * seqSpan),
    );
    for (const stream of possible) saved += salvageStream(parts, source, stream, deadlineMs);
  } catch (error) {
    if (!isGatewayError(error)) throw error; // Nothing, or nothing more, can be read: the rest is booked as lost.
  } finally {
    database?.close();
  }
  return saved;
}

function salvageStream(
  parts: SalvageParts,
  source: Database,
  stream: { readonly number: number; readonly id: string; readonly class: StreamClass },
  deadlineMs: number,
): number {
  const bytes = `iif(c.size <= ${maxPayloadBytes} AND length(p.bytes) = c.size, p.bytes, NULL) AS bytes`;
  const sql = `SELECT c.*, ${bytes} FROM chunk c JOIN payload p ON p.key = c.key WHERE c.key BETWEEN ? AND ? ORDER BY c.key LIMIT ?`;
  const select = atDisk({ file: parts.file }, () => source.prepare<[bigint, bigint, number], Row>(sql));
  const known = parts.streams.get(stream.id);
  const end = (stream.number + 1) * seqSpan - 1;
  let saved = 0;
  let failures = 0;
  let key = stream.number * seqSpan + (known?.ackedUpTo ?? 0) + 1;
  let limit = pageRows;
  while (key <= end && parts.clock.monotonicMs() < deadlineMs && failures < maxFailures) {
    const rows = tryRows(parts.file, () => select.all(BigInt(key), BigInt(end), limit));
    if (rows === undefined || (rows.at(-1)?.key ?? key) < key) {
      // A damaged page, or one that leads back to where we were: first narrow down to single rows, then step over it.
      failures += 1;
      if (limit > 1) limit = 1;
      else key += 1;
      continue;
    }
    const last = rows.at(-1);
    if (last === undefined) break;
    const sound = rows.flatMap((row) => {
      const { bytes: found } = row;
      return Buffer.isBuffer(found) && found.length === row.size && crc32(found) === row.crc ? [{ ...factsOfRow(row), bytes: found }] : [];
    });
    parts.into.insert([{ stream: stream.id, streamClass: stream.class, chunks: sound }]);
    saved += sound.length;
    key = last.key + 1;
    limit = pageRows;
  }
  return saved;
}

function tryRows<T>(file: string, read: () => T): T | undefined {
  try {
    return atDisk({ file }, read);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return undefined;
  }
}
