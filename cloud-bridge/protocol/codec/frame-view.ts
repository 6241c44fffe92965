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
  /** One byte per column: see layout.ts. */
  readonly kinds: Uint8Array;
  readonly payload: Uint8Array;
}

const noKinds = new Uint8Array(0);

/** @throws GatewayError codec.malformed: only a damaged journal record can make that happen */
export function viewFrame(payload: Uint8Array): FrameView {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const type = payload[0] ?? 0;
  if (type === frameTypeMisses && payload.length >= missPrefixBytes) {
    return { type, revisionsAhead: view.getUint16(1, true), gid: 0, rowCount: 0, kinds: noKinds, payload };
  }
  if (type !== frameTypeGroup || payload.length < groupPrefixBytes)
    throw new GatewayError("codec.malformed", { message: "not a telemetry frame" });
  const columns = view.getUint16(9, true);
  if (payload.length < groupPrefixBytes + columns)
    throw new GatewayError("codec.malformed", { message: "a telemetry frame without its end" });
  return {
    type,
    revisionsAhead: view.getUint16(1, true),
    gid: view.getUint32(3, true),
    rowCount: view.getUint16(7, true),
    kinds: payload.subarray(groupPrefixBytes, groupPrefixBytes + columns),
    payload,
  };
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
  return parseGroup(new CborReader(frame.payload.subarray(groupPrefixBytes + frame.kinds.length)).readAll());
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
  return runs.map((run) => mergeRows(run.rows, run.frame, intervalMs));
}
