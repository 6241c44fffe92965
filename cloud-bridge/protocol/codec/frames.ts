import type { Frame, Slot } from "#model/chunk.ts";
import type { Event } from "#model/observation.ts";
import type { TableReport, TableShape } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import type { GroupShape } from "./dictionary-writer.ts";
import { flagUnanchored, frameTypeMisses, missEntryBytes, missPrefixBytes } from "./layout.ts";
import type { JsonObservation } from "./observation-json.ts";
import { chunkTimeMs } from "./slots.ts";

const textEncoder = new TextEncoder();

/** When and in which boot. */
export interface Stamp {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly bootId: string;
}

export function stampOf(at: Instant): Stamp {
  return { wallMs: at.wallMs, monotonicMs: at.monotonicMs, bootId: at.bootId };
}

export function offsetOf(at: Instant, slot: Slot): number {
  return chunkTimeMs(at, (slot.flags & flagUnanchored) !== 0) - slot.t0;
}

export function telemetryFrame(slot: Slot, at: Instant, samples: number, payload: Uint8Array): Frame {
  const { wallMs, monotonicMs, bootId } = at;
  // Spelled out: several hundred a second, and a spread takes an object apart property by property.
  return { streamClass: "T", kind: "group", slot, samples, urgent: false, priority: 2, wallMs, monotonicMs, bootId, payload };
}

export function dictionaryFrame(text: string, stamp: Stamp): Frame {
  // Without its dictionary no chunk can be read: it outlives the chunks when room is short.
  return { streamClass: "T", kind: "dict", samples: 0, urgent: false, priority: 4, ...stamp, payload: textEncoder.encode(text) };
}

export function missPayload(groups: readonly GroupShape[], reason: number, dtMs: number, revisionsAhead: number): Uint8Array {
  const payload = new Uint8Array(missPrefixBytes + groups.length * missEntryBytes);
  const view = new DataView(payload.buffer);
  view.setUint8(0, frameTypeMisses);
  view.setUint16(1, revisionsAhead, true);
  for (const [index, { gid }] of groups.entries()) {
    const at = missPrefixBytes + index * missEntryBytes;
    view.setUint32(at, gid, true);
    view.setUint8(at + 4, reason);
    view.setInt32(at + 5, Math.max(-0x8000_0000, Math.min(0x7fff_ffff, dtMs)), true);
  }
  return payload;
}

export function priorityOf(observation: JsonObservation): Frame["priority"] {
  switch (observation.kind) {
    case "alarm":
    case "event":
    case "anchor":
      return 4;
    case "gap":
      return 5;
    case "check":
    case "check-latency":
      return 2;
    default:
      return 3;
  }
}

export function countFrom(table: TableReport, fromRow: number): number {
  let count = 0;
  for (const column of table.columns) {
    for (let row = fromRow; row < table.shape.rows.length; row++) count += column.present[row] === 1 ? 1 : 0;
  }
  return count;
}

export function refusal(shape: TableShape, acceptedRows: number, maxSeries: number, at: Instant): Event {
  return {
    kind: "event",
    type: "codec.series-limit",
    equipment: shape.equipment,
    source: "gateway",
    severity: "warning",
    text: "rows of a table are not sent: the gateway's limit of series is reached",
    observedAt: at,
    attributes: { table: shape.table, rows: shape.rows.length, acceptedRows, maxSeries },
  };
}
