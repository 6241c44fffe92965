import { crc32 } from "node:zlib";
import { GatewayError } from "#model/errors.ts";
import type { DiskFile } from "./disk.ts";
import {
  blockBytes,
  decodeHeader,
  headerBytes,
  headerCrc,
  isReadable,
  type RecordHeader,
  recordVersion,
  resemblesHeader,
} from "./record.ts";

/** Two blocks with the same superblock stand before the records. */
export const firstDataOffset = 2 * blockBytes;
const superMagic = 0x52474847; // "GHGR"
const superVersion = 1;
const scanBytes = 1024 * 1024;

export interface FoundRecord {
  readonly header: RecordHeader;
  readonly offset: number;
  readonly crc: number;
}

/** What a journal file turned out to hold. */
export interface RingScan {
  readonly bufferId: string;
  /** From the oldest needed record to the newest intact one. */
  readonly records: readonly FoundRecord[];
  /** Highest number seen, intact or not. */
  readonly highestSeq: number;
  /** Records that should stand between the tail and the head and are unreadable. */
  readonly missing: number;
  /** Something newer than the newest intact record stands at the head: a torn write, or damage to a record that was durable. */
  readonly suspect: boolean;
}

export function writeSuperblock(file: DiskFile, bufferId: string): void {
  const block = Buffer.alloc(blockBytes);
  block.writeUInt32LE(superMagic, 0);
  block.writeUInt16LE(superVersion, 4);
  block.writeUInt16LE(superVersion, 6);
  block.write(bufferId, 8, 8, "hex");
  block.writeDoubleLE(file.bytes, 16);
  block.writeUInt32LE(crc32(block.subarray(0, 60)), 60);
  for (const offset of [0, blockBytes]) {
    file.write(block, offset);
    file.sync();
  }
}

/** Bytes the journal was made with; undefined = its first blocks are damaged. @throws GatewayError buffer.version */
export function journalBytesOf(file: DiskFile): number | undefined {
  return readSuperblock(file)?.bytes;
}

function tooNew(found: number, known: number): GatewayError {
  return new GatewayError("buffer.version", {
    message: `the journal is of format ${found}, this version reads ${known}`,
    fields: { found, known },
  });
}

/** @throws GatewayError buffer.version; buffer.corrupt when it is no journal at all */
export function scanRing(file: DiskFile): RingScan {
  const headers = findHeaders(file);
  const bufferId = readSuperblock(file)?.bufferId ?? newest(headers)?.header.bufferId;
  if (bufferId === undefined)
    throw new GatewayError("buffer.corrupt", { message: "the journal's first blocks are damaged and it holds no records" });
  const own = headers.filter((found) => found.header.bufferId === bufferId).sort((a, b) => a.header.seq - b.header.seq);
  // Only what is ours: a device that was begun anew still holds records of the buffer before.
  const newer = own.find(({ header }) => !isReadable(header, recordVersion));
  if (newer !== undefined) throw tooNew(newer.header.version, recordVersion);
  const highestSeq = own.at(-1)?.header.seq ?? 0;
  let lastIndex = own.length - 1;
  while (lastIndex >= 0 && !isIntact(file, own[lastIndex])) lastIndex -= 1;
  const last = own[lastIndex];
  if (last === undefined) return { bufferId, records: [], highestSeq, missing: 0, suspect: highestSeq > 0 };
  const chain = walkBack(file, last, own.slice(0, lastIndex));
  return { bufferId, ...chain, highestSeq, suspect: highestSeq > last.header.seq || damagedHead(file, last, bufferId) };
}

function readSuperblock(file: DiskFile): { readonly bufferId: string; readonly bytes: number } | undefined {
  for (const offset of [0, blockBytes]) {
    const block = Buffer.from(file.read(offset, 64));
    if (block.length < 64 || block.readUInt32LE(0) !== superMagic || block.readUInt32LE(60) !== crc32(block.subarray(0, 60))) continue;
    const version = block.readUInt16LE(4);
    if (!isReadable({ version, compatibleFrom: block.readUInt16LE(6) }, superVersion)) throw tooNew(version, superVersion);
    return { bufferId: block.toString("hex", 8, 16), bytes: block.readDoubleLE(16) };
  }
  return undefined;
}

function findHeaders(file: DiskFile): FoundRecord[] {
  const found: FoundRecord[] = [];
  for (let base = firstDataOffset; base < file.bytes; base += scanBytes) {
    const piece = file.read(base, Math.min(scanBytes, file.bytes - base));
    for (let at = 0; at + headerBytes <= piece.length; at += blockBytes) {
      const bytes = piece.subarray(at, at + headerBytes);
      const header = decodeHeader(bytes);
      if (header === undefined) continue;
      found.push({ header, offset: base + at, crc: headerCrc(bytes) });
    }
  }
  return found;
}

function newest(found: readonly FoundRecord[]): FoundRecord | undefined {
  return found.reduce<FoundRecord | undefined>(
    (best, next) => (best === undefined || next.header.seq > best.header.seq ? next : best),
    undefined,
  );
}

/** Whether the payload is what the header says. */
export function isIntact(file: DiskFile, found: FoundRecord | undefined): boolean {
  if (found === undefined) return false;
  const length = found.header.metaBytes + found.header.blobBytes;
  if (headerBytes + length > found.header.totalBytes || found.offset + found.header.totalBytes > file.bytes) return false;
  return crc32(file.read(found.offset + headerBytes, length)) === found.header.payloadCrc;
}

/** From the newest record along `previous` to the tail. A broken link: whatever intact record of the range is left. */
function walkBack(file: DiskFile, last: FoundRecord, older: readonly FoundRecord[]): Pick<RingScan, "records" | "missing"> {
  const byOffset = new Map(older.map((found) => [found.offset, found]));
  const records = [last];
  let missing = 0;
  let current = last;
  while (current.header.seq > last.header.tailSeq && current.header.previousSeq >= last.header.tailSeq) {
    const linked = byOffset.get(current.header.previousOffset);
    const sound = linked !== undefined && linked.crc === current.header.previousCrc && isIntact(file, linked);
    const previous = sound ? linked : newestIntactBefore(file, older, current.header.previousSeq);
    if (!sound) missing += current.header.previousSeq - Math.max(previous?.header.seq ?? 0, last.header.tailSeq - 1);
    if (previous === undefined || previous.header.seq < last.header.tailSeq) break;
    records.push(previous);
    current = previous;
  }
  return { records: records.reverse(), missing };
}

function newestIntactBefore(file: DiskFile, older: readonly FoundRecord[], seq: number): FoundRecord | undefined {
  return older.findLast((found) => found.header.seq < seq && isIntact(file, found));
}

function damagedHead(file: DiskFile, last: FoundRecord, bufferId: string): boolean {
  const head = last.offset + last.header.totalBytes;
  for (const offset of [head, firstDataOffset]) {
    if (offset + headerBytes > file.bytes || offset === last.offset) continue;
    const bytes = file.read(offset, headerBytes);
    if (decodeHeader(bytes) === undefined && resemblesHeader(bytes, bufferId)) return true;
  }
  return false;
}
