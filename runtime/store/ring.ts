import { crc32 } from "node:zlib";
import { GatewayError } from "#model/errors.ts";
import { letGo } from "#model/own-bytes.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { blockBytes, encodeHeader, headerBytes, headerCrc, packMeta, type RecordBody, type RecordHeader, recordVersion } from "./record.ts";
import { firstDataOffset, type RingScan } from "./ring-scan.ts";

/** What the writer of a record states besides its content. */
export interface RecordStamp {
  readonly flags: number;
  readonly lastPosition: number;
  readonly polled: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly bootId: string;
}

export interface RecordContent {
  readonly body: RecordBody;
  readonly payloads: readonly Uint8Array[];
  /** One per body.chunks. */
  readonly blobs: readonly Uint8Array[];
}

const maxScratchBytes = 65_536;

interface Place {
  readonly seq: number;
  readonly offset: number;
  readonly bytes: number;
  readonly crc: number;
  /** Chunks and frames in it that are still needed. */
  live: number;
}

/**
 * The journal: a preallocated file written round and round in whole blocks. A record counts once it is synced; what the newest durable
 * record calls its tail is never overwritten before a newer record is durable, so an interrupted write can only damage what nobody needs.
 */
export class Ring {
  readonly bufferId: string;
  readonly bytes: number;
  writtenBytes = 0;
  readonly #disk: Disk;
  readonly #name: string;
  #file: DiskFile;
  #places: Place[];
  #nextSeq: number;
  #head: number;
  #durableTailOffset: number;
  #skipTo: number | undefined;
  #scratch: Buffer | undefined;
  /** The newest record found at the start: readable, but perhaps only because the page cache still has what a failed sync lost. */
  #unsure: Place | undefined;

  constructor(disk: Disk, name: string, file: DiskFile, scan: RingScan) {
    this.#disk = disk;
    this.#name = name;
    this.#file = file;
    this.bytes = file.bytes;
    this.bufferId = scan.bufferId;
    this.#places = scan.records.map((record) => ({
      seq: record.header.seq,
      offset: record.offset,
      bytes: record.header.totalBytes,
      crc: record.crc,
      live: 0,
    }));
    const last = this.#places.at(-1);
    this.#unsure = last;
    this.#nextSeq = scan.highestSeq + 1;
    this.#head = last === undefined ? firstDataOffset : last.offset + last.bytes;
    this.#durableTailOffset = this.#places[0]?.offset ?? firstDataOffset;
  }

  /** Seq of the record that the next append writes. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  get capacityBytes(): number {
    return this.bytes - firstDataOffset;
  }

  /** From the oldest needed record to the head. */
  get usedBytes(): number {
    const tail = this.#tail();
    if (tail === undefined) return 0;
    return this.#head > tail.offset ? this.#head - tail.offset : this.capacityBytes - (tail.offset - this.#head);
  }

  /** The oldest records, for moving out of the way, up to `bytes`. */
  oldest(bytes: number): readonly number[] {
    const result: number[] = [];
    let sum = 0;
    for (const place of this.#places) {
      if (sum >= bytes) break;
      result.push(place.seq);
      sum += place.bytes;
    }
    return result;
  }

  retain(seq: number, count: number): void {
    const place = this.#place(seq);
    if (place !== undefined) place.live += count;
  }

  release(seq: number, count: number): void {
    const place = this.#place(seq);
    if (place !== undefined) place.live -= count;
  }

  /** Whether the newest record found at the start may not be on the medium; see `affirm`. */
  get isUnsure(): boolean {
    return this.#unsure !== undefined;
  }

  /** Writes the newest record found at the start again, byte by byte, so that a sync covers it. @throws GatewayError buffer.* */
  affirm(): void {
    const place = this.#unsure;
    if (place === undefined) return;
    try {
      this.#file.write(this.#file.read(place.offset, place.bytes), place.offset);
      this.#file.sync();
      this.writtenBytes += place.bytes;
      this.#unsure = undefined;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#reopen();
      throw error;
    }
  }

  /**
   * Writes and syncs one record; durable on return, with the offset of each blob.
   * @throws GatewayError buffer.full when there is no room, buffer.* of the disk
   */
  append(content: RecordContent, stamp: RecordStamp): { readonly seq: number; readonly blobOffsets: readonly number[] } {
    this.affirm();
    const { packed, rawBytes } = packMeta(content.body, content.payloads);
    const blobBytes = content.blobs.reduce((sum, blob) => sum + blob.length, 0);
    const totalBytes = Math.ceil((headerBytes + packed.length + blobBytes) / blockBytes) * blockBytes;
    this.#forgetDead();
    const offset = this.#findPlace(totalBytes);
    const record = this.#blank(totalBytes);
    record.set(packed, headerBytes);
    let cursor = headerBytes + packed.length;
    const blobOffsets = content.blobs.map((blob) => {
      record.set(blob, cursor);
      cursor += blob.length;
      return offset + cursor - blob.length;
    });
    const last = this.#places.at(-1);
    const tail = this.#tail();
    const header: RecordHeader = {
      ...stamp,
      version: recordVersion,
      compatibleFrom: recordVersion,
      bufferId: this.bufferId,
      seq: this.#nextSeq,
      previousSeq: last?.seq ?? 0,
      previousOffset: last?.offset ?? 0,
      previousCrc: last?.crc ?? 0,
      tailSeq: tail?.seq ?? this.#nextSeq,
      tailOffset: tail?.offset ?? offset,
      totalBytes,
      metaBytes: packed.length,
      metaRawBytes: rawBytes,
      blobBytes,
      payloadCrc: crc32(record.subarray(headerBytes, cursor)),
    };
    encodeHeader(header, record);
    const place = { seq: this.#nextSeq, offset, bytes: totalBytes, crc: headerCrc(record), live: 0 };
    this.#write(record, offset);
    if (record.buffer !== this.#scratch?.buffer) letGo(record);
    this.#places.push(place);
    this.#durableTailOffset = header.tailOffset;
    this.#nextSeq += 1;
    this.#head = offset + totalBytes;
    return { seq: header.seq, blobOffsets };
  }

  /** Memory for one record; the same for all that are not large, since the disk has a record when `append` returns. */
  #blank(bytes: number): Buffer {
    if (bytes > maxScratchBytes) return Buffer.alloc(bytes);
    this.#scratch ??= Buffer.alloc(maxScratchBytes);
    return this.#scratch.subarray(0, bytes).fill(0);
  }

  read(offset: number, length: number): Uint8Array {
    return this.#file.read(offset, length);
  }

  close(): void {
    this.#file.close();
  }

  #write(record: Uint8Array, offset: number): void {
    try {
      this.#file.write(record, offset);
      this.#file.sync();
      this.#skipTo = undefined;
      this.writtenBytes += record.length;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      // What a failed sync left on the medium is unknown, and asking again would be answered from memory. So the record may be there or not:
      // its number is burnt, the next attempt goes to another place, through a new descriptor.
      this.#nextSeq += 1;
      this.#skipTo = this.#skipTo === undefined ? offset + record.length : undefined;
      this.#reopen();
      throw error;
    }
  }

  #reopen(): void {
    try {
      this.#file.close();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error; // The descriptor is gone either way.
    }
    const file = this.#disk.open(this.#name);
    if (file === undefined) throw new GatewayError("buffer.io", { message: "the journal file vanished", fields: { file: this.#name } });
    this.#file = file;
  }

  #findPlace(bytes: number): number {
    const start = this.#skipTo;
    const place = (start === undefined ? undefined : this.#fits(start, bytes)) ?? this.#fits(this.#head, bytes);
    if (place === undefined) {
      throw new GatewayError("buffer.full", {
        fields: { neededBytes: bytes, usedBytes: this.usedBytes, capacityBytes: this.capacityBytes },
      });
    }
    return place;
  }

  #fits(head: number, bytes: number): number | undefined {
    const tail = this.#durableTailOffset;
    const empty = this.#places.length === 0;
    if (empty || head > tail) {
      if (head + bytes <= this.bytes) return head;
      return firstDataOffset + bytes < tail ? firstDataOffset : undefined;
    }
    return head + bytes < tail ? head : undefined;
  }

  #forgetDead(): void {
    let dead = 0;
    while (dead < this.#places.length - 1 && (this.#places[dead]?.live ?? 0) <= 0) dead += 1;
    if (dead > 0) this.#places.splice(0, dead);
  }

  #tail(): Place | undefined {
    return this.#places.find((place) => place.live > 0) ?? this.#places.at(-1);
  }

  #place(seq: number): Place | undefined {
    let low = 0;
    let high = this.#places.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const place = this.#places[middle];
      if (place === undefined || place.seq === seq) return place;
      if (place.seq < seq) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}
