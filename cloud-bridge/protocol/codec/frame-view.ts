import { GatewayError } from "#model/errors.ts";
import { CborReader } from "./cbor-reader.ts";
import {
  frameTypeGroup,
  frameTypeMisses,
  groupPrefixBytes,
  limits,
  missEntryBytes,
  missPrefixBytes,
  type RawGroup,
  type RawMiss,
} from "./layout.ts";
import { mergeRows } from "./merge.ts";
import { parseGroup } from "./raw-chunk.ts";

/** A telemetry frame's prefix; the CBOR behind it is left alone. */
export interface FrameView {
  readonly type: number;
  readonly revisionsAhead: number;
  /** 0 for misses. */
  readonly gid: number;
  readonly rowCount: number;
  /** Each has one byte of kind between the prefix and the group. */
  readonly columns: number;
  readonly payload: Uint8Array;
}

/**
 * Reads the prefix byte by byte, and makes no view of a part: ten thousand frames of a large site are viewed at once, and what they leave is collected while
 * all of them live. @throws GatewayError codec.malformed: only a damaged journal record can make that happen
 */
export function viewFrame(payload: Uint8Array): FrameView {
  const type = payload[0] ?? 0;
  if (type === frameTypeMisses && payload.length >= missPrefixBytes) {
    return { type, revisionsAhead: uint16At(payload, 1), gid: 0, rowCount: 0, columns: 0, payload };
  }
  if (type !== frameTypeGroup || payload.length < groupPrefixBytes)
    throw new GatewayError("codec.malformed", { message: "not a telemetry frame" });
  const columns = uint16At(payload, 9);
  if (payload.length < groupPrefixBytes + columns)
    throw new GatewayError("codec.malformed", { message: "a telemetry frame without its end" });
  return {
    type,
    revisionsAhead: uint16At(payload, 1),
    gid: (uint16At(payload, 3) | (uint16At(payload, 5) << 16)) >>> 0,
    rowCount: uint16At(payload, 7),
    columns,
    payload,
  };
}

/** The CBOR of a frame's one-row group. */
export function groupBytes({ payload, columns }: FrameView): Uint8Array {
  return payload.subarray(groupPrefixBytes + columns);
}

/** Little-endian, as DataView has it with `true`. */
function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** One byte per column: see layout.ts. */
function kindsOf({ payload, columns }: FrameView): Uint8Array {
  return payload.subarray(groupPrefixBytes, groupPrefixBytes + columns);
}

/** @param rowsBefore rows of each group that stand in the chunk before this frame */
export function missesOfFrame(frame: FrameView, rowsBefore: ReadonlyMap<number, number>): RawMiss[] {
  const view = new DataView(frame.payload.buffer, frame.payload.byteOffset, frame.payload.byteLength);
  const misses: RawMiss[] = [];
  for (let at = missPrefixBytes; at + missEntryBytes <= frame.payload.length; at += missEntryBytes) {
    const gid = view.getUint32(at, true);
    misses.push([gid, rowsBefore.get(gid) ?? 0, view.getUint8(at + 4), view.getInt32(at + 5, true)]);
  }
  return misses;
}

/** The one-row group of a frame, parsed. */
export function groupOfFrame(frame: FrameView): RawGroup {
  return parseGroup(new CborReader(groupBytes(frame)).readAll());
}

/** One group per gid, its rows in the order of the frames; a row that says everything anew begins another group. */
export function mergeGroups(frames: readonly FrameView[], intervalMs: number): readonly RawGroup[] {
  const runs: { readonly frame: FrameView; readonly rows: RawGroup[] }[] = [];
  const openRun = new Map<number, { readonly frame: FrameView; readonly rows: RawGroup[] }>();
  for (const frame of frames) {
    if (frame.type !== frameTypeGroup) continue;
    const row = groupOfFrame(frame);
    const open = openRun.get(frame.gid);
    if (open !== undefined && row.base === undefined && open.rows.length < limits.rows) {
      open.rows.push(row);
      continue;
    }
    const run = { frame, rows: [row] };
    openRun.set(frame.gid, run);
    runs.push(run);
  }
  return runs.map(({ rows, frame }) => mergeRows(rows, { rowCount: frame.rowCount, kinds: kindsOf(frame) }, intervalMs));
}
