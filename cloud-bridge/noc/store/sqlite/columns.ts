import type { DictionarySeries, StreamClass } from "#model/chunk.ts";
import type {
  AlarmRow,
  BootTime,
  ChunkRow,
  ChunkState,
  EquipmentRow,
  EventRow,
  GapRow,
  GatewayRow,
  GroupRow,
  JsonObject,
  SeqRanges,
  StreamRow,
} from "../rows.ts";

/** Border between SQLite's columns and our rows: the only place that believes what the file says about types. */
export interface GatewayColumns {
  ref: number;
  tenant: string;
  id: string;
  first_seen: number;
  seen: number;
  online: number;
  since: number;
  why: string;
  conn: number;
  boot: string;
  hello: string | null;
  lives: string;
  reported: string | null;
  refused: number;
}

export function jsonOf(text: string | null): JsonObject | undefined {
  return text === null ? undefined : (JSON.parse(text) as JsonObject);
}

export function gatewayOf(c: GatewayColumns): GatewayRow {
  return {
    ref: c.ref,
    tenant: c.tenant,
    id: c.id,
    firstSeenMs: c.first_seen,
    seenMs: c.seen,
    online: c.online === 1,
    presenceSinceMs: c.since,
    presenceWhy: c.why,
    connection: c.conn,
    bootId: c.boot,
    hello: jsonOf(c.hello),
    lives: JSON.parse(c.lives) as string[],
    reported: jsonOf(c.reported),
    refusedMessages: c.refused,
  };
}

export interface StreamColumns {
  ref: number;
  gateway: number;
  id: string;
  class: string;
  received: string;
  applied: number;
  chunks: number;
  samples: number;
  bytes: number;
  duplicates: number;
  late: number;
  tombstones: number;
  dead: number;
  first_seen: number;
  seen: number;
}

export function streamOf(c: StreamColumns): StreamRow {
  return {
    ref: c.ref,
    gatewayRef: c.gateway,
    id: c.id,
    streamClass: c.class as StreamClass,
    received: JSON.parse(c.received) as SeqRanges,
    appliedTo: c.applied,
    chunks: c.chunks,
    samples: c.samples,
    bytes: c.bytes,
    duplicates: c.duplicates,
    late: c.late,
    tombstones: c.tombstones,
    deadLetters: c.dead,
    firstSeenMs: c.first_seen,
    seenMs: c.seen,
  };
}

export interface ChunkColumns {
  stream: number;
  gateway: number;
  seq: number;
  kind: string;
  state: string;
  t0: number | null;
  t1: number | null;
  iv: number;
  kf: number;
  dict: number;
  samples: number;
  boot: string | null;
  received: number;
  payload: Uint8Array;
}

export const chunkColumns = "stream, gateway, seq, kind, state, t0, t1, iv, kf, dict, samples, boot, received, payload";

export function chunkOf(c: ChunkColumns): ChunkRow {
  return {
    streamRef: c.stream,
    gatewayRef: c.gateway,
    seq: c.seq,
    kind: c.kind === "dict" ? "dict" : "chunk",
    state: c.state as ChunkState,
    fromMs: c.t0 ?? undefined,
    toMs: c.t1 ?? undefined,
    intervalMs: c.iv,
    keyFrame: c.kf === 1,
    dictionaryRevision: c.dict,
    samples: c.samples,
    bootId: c.boot ?? undefined,
    receivedMs: c.received,
    payload: c.payload,
  };
}

export interface GroupColumns {
  ref: number;
  gateway: number;
  equipment: string;
  tbl: string;
  iv: number;
  series: string;
}

export function groupOf(c: GroupColumns): GroupRow {
  return {
    ref: c.ref,
    gatewayRef: c.gateway,
    equipment: c.equipment,
    table: c.tbl,
    intervalMs: c.iv,
    series: JSON.parse(c.series) as readonly DictionarySeries[],
  };
}

export interface EquipmentColumns {
  gateway: number;
  id: string;
  last_poll: number;
  last_miss: number;
  reason: number;
  iv: number;
  inventory: string | null;
  inventory_at: number;
}

export function equipmentOf(c: EquipmentColumns): EquipmentRow {
  return {
    gatewayRef: c.gateway,
    id: c.id,
    lastPollMs: c.last_poll,
    lastMissMs: c.last_miss,
    missReason: c.reason,
    intervalMs: c.iv,
    inventory: jsonOf(c.inventory),
    inventoryMs: c.inventory_at,
  };
}

export interface AlarmColumns {
  gateway: number;
  key: string;
  instance: string;
  rev: number;
  severity: string;
  cleared: number;
  equipment: string;
  path: string;
  type: string;
  text: string;
  raised: number;
  changed: number;
  body: string;
  boot: string | null;
  mono: number | null;
}

export function alarmOf(c: AlarmColumns): AlarmRow {
  return {
    gatewayRef: c.gateway,
    key: c.key,
    instance: c.instance,
    revision: c.rev,
    severity: c.severity,
    cleared: c.cleared === 1,
    equipment: c.equipment,
    path: c.path,
    type: c.type,
    text: c.text,
    raisedMs: c.raised,
    changedMs: c.changed,
    undated: undatedOf(c),
    body: JSON.parse(c.body) as JsonObject,
  };
}

export interface EventColumns {
  gateway: number;
  stream: string;
  seq: number;
  idx: number;
  at: number;
  kind: string;
  equipment: string;
  severity: string;
  text: string;
  body: string;
  boot: string | null;
  mono: number | null;
}

function undatedOf(c: { readonly boot: string | null; readonly mono: number | null }): BootTime | undefined {
  return c.boot === null || c.mono === null ? undefined : { bootId: c.boot, monotonicMs: c.mono };
}

export function eventOf(c: EventColumns): EventRow {
  return {
    gatewayRef: c.gateway,
    streamId: c.stream,
    seq: c.seq,
    index: c.idx,
    atMs: c.at,
    kind: c.kind,
    equipment: c.equipment,
    severity: c.severity,
    text: c.text,
    undated: undatedOf(c),
    body: JSON.parse(c.body) as JsonObject,
  };
}

export interface GapColumns {
  gateway: number;
  stream: string;
  from_seq: number;
  to_seq: number;
  reason: string;
  t0: number;
  t1: number;
  samples: number | null;
  recorded: number;
}

export function gapOf(c: GapColumns): GapRow {
  return {
    gatewayRef: c.gateway,
    streamId: c.stream,
    fromSeq: c.from_seq,
    toSeq: c.to_seq,
    reason: c.reason,
    fromMs: c.t0,
    toMs: c.t1,
    samples: c.samples ?? undefined,
    recordedMs: c.recorded,
  };
}

/** Float64 numbers as they lie in a blob (little-endian hosts only: x64 and arm64 are). */
export function numbersOf(blob: Uint8Array): Float64Array {
  // Not `slice`: a Buffer's shares its memory, at an offset that may not be aligned.
  const copy = new Uint8Array(blob);
  return new Float64Array(copy.buffer, 0, Math.floor(copy.byteLength / 8));
}

export function blobOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
