import type { StreamClass } from "#model/chunk.ts";
import type { ChunkRow, EquipmentRow, GatewayRow, RollupLevel, StreamRow } from "../store/rows.ts";
import type { StoreTransaction } from "../store/store.ts";
import { emptyLast, emptyRollup } from "./derive.ts";
import type { IngestLimits } from "./limits.ts";
import { withRange } from "./ranges.ts";

export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** What one transaction has read and changed of one gateway. Written back once, at its end. */
export interface GatewayDraft {
  readonly row: Draft<GatewayRow>;
  readonly streams: Map<string, Draft<StreamRow>>;
  readonly equipment: Map<string, Draft<EquipmentRow>>;
  readonly needed: Set<number>;
  /** The newest chunk of each live stream that came ahead of a hole in this transaction, by the stream's number. */
  readonly ahead: Map<number, ChunkRow>;
  committed: number;
  hello: boolean;
}

export interface LastDraft {
  atMs: number;
  readonly numbers: Float64Array;
  readonly texts: Record<string, string>;
  /** Columns that got their first value in this transaction. */
  readonly seen: Set<number>;
}

/** What will never come counts as received: the acknowledgement passes over it. */
export function passOver(stream: Draft<StreamRow>, from: number, to: number, limits: IngestLimits): void {
  if (stream.received.length >= limits.maxRanges) return;
  stream.received = withRange(stream.received, from, to);
  stream.tombstones += to - from + 1;
}

/** Rows in use by one transaction: read at first use, changed in memory, written by `flush`. Lives as long as the transaction. */
export class Drafts {
  readonly tx: StoreTransaction;
  readonly nowMs: number;
  readonly #limits: IngestLimits;
  readonly #gateways = new Map<string, GatewayDraft>();
  readonly #last = new Map<number, LastDraft>();
  readonly #rollups = new Map<
    string,
    { readonly level: RollupLevel; readonly groupRef: number; readonly bucketMs: number; numbers: Float64Array }
  >();

  constructor(tx: StoreTransaction, nowMs: number, limits: IngestLimits) {
    this.tx = tx;
    this.nowMs = nowMs;
    this.#limits = limits;
  }

  get gateways(): Iterable<GatewayDraft> {
    return this.#gateways.values();
  }

  /** Undefined = the NOC knows as many gateways as it may. */
  async gateway(tenant: string, id: string): Promise<GatewayDraft | undefined> {
    const key = `${tenant}/${id}`;
    const known = this.#gateways.get(key);
    if (known !== undefined) return known;
    let row = await this.tx.gateway(tenant, id);
    if (row === undefined) {
      if ((await this.tx.gatewayCount()) >= this.#limits.maxGateways) return undefined;
      row = await this.tx.addGateway(tenant, id, this.nowMs);
    }
    const draft: GatewayDraft = {
      row: { ...row },
      streams: new Map(),
      equipment: new Map(),
      needed: new Set(),
      ahead: new Map(),
      committed: 0,
      hello: false,
    };
    this.#gateways.set(key, draft);
    return draft;
  }

  /** Undefined = not known, and no class given or no room for one more. */
  async stream(gateway: GatewayDraft, id: string, streamClass?: StreamClass): Promise<Draft<StreamRow> | undefined> {
    const known = gateway.streams.get(id);
    if (known !== undefined) return known;
    let row = await this.tx.stream(gateway.row.ref, id);
    const isNew = row === undefined;
    if (row === undefined) {
      if (streamClass === undefined || (await this.tx.streamCount(gateway.row.ref)) >= this.#limits.maxStreams) return undefined;
      row = await this.tx.addStream(gateway.row.ref, id, streamClass, this.nowMs);
    }
    const draft = { ...row };
    if (isNew) await this.#passOverTold(gateway, draft);
    gateway.streams.set(id, draft);
    return draft;
  }

  /** Events travel first: what an outage cost a stream that began with it is told before the stream's first chunk is here. */
  async #passOverTold(gateway: GatewayDraft, stream: Draft<StreamRow>): Promise<void> {
    for (const [from, to] of await this.tx.gapRanges(gateway.row.ref, stream.id)) passOver(stream, from, to, this.#limits);
  }

  /** Undefined = the gateway has as many as it may. */
  async equipment(gateway: GatewayDraft, id: string): Promise<Draft<EquipmentRow> | undefined> {
    const known = gateway.equipment.get(id);
    if (known !== undefined) return known;
    const stored = await this.tx.equipment(gateway.row.ref, id);
    if (stored === undefined && (await this.#hasAllEquipment(gateway))) return undefined;
    const fresh = { lastPollMs: 0, lastMissMs: 0, missReason: 0, intervalMs: 0, inventory: undefined, inventoryMs: 0 };
    const draft = { ...(stored ?? { gatewayRef: gateway.row.ref, id, ...fresh }) };
    gateway.equipment.set(id, draft);
    return draft;
  }

  async #hasAllEquipment(gateway: GatewayDraft): Promise<boolean> {
    // Drafts may be new ones that are not in the table yet: counted twice rather than not at all.
    const known = await this.tx.equipmentCount(gateway.row.ref);
    return known + gateway.equipment.size >= this.#limits.maxEquipment;
  }

  async last(groupRef: number, columns: number): Promise<LastDraft> {
    const known = this.#last.get(groupRef);
    if (known !== undefined) return known;
    const stored = await this.tx.lastValues(groupRef);
    const draft = {
      atMs: stored?.atMs ?? 0,
      numbers: stored?.numbers ?? emptyLast(columns),
      texts: { ...stored?.texts },
      seen: new Set<number>(),
    };
    this.#last.set(groupRef, draft);
    return draft;
  }

  /** Must have been prepared: derivation itself does not wait. */
  async prepareRollup(level: RollupLevel, groupRef: number, bucketMs: number, columns: number): Promise<Float64Array> {
    const key = `${level}/${groupRef}/${bucketMs}`;
    const known = this.#rollups.get(key);
    if (known !== undefined) return known.numbers;
    const numbers = (await this.tx.rollup(level, groupRef, bucketMs)) ?? emptyRollup(columns);
    this.#rollups.set(key, { level, groupRef, bucketMs, numbers });
    return numbers;
  }

  /** Writes everything back. After it the drafts are as the database has them. */
  async flush(): Promise<void> {
    for (const gateway of this.#gateways.values()) {
      await this.tx.putGateway(gateway.row);
      for (const stream of gateway.streams.values()) await this.tx.putStream(stream);
      for (const equipment of gateway.equipment.values()) await this.tx.putEquipment(equipment);
    }
    for (const [groupRef, { seen, ...last }] of this.#last) {
      await this.tx.putLastValues({ groupRef, ...last });
      if (seen.size > 0) await this.tx.markSeen(groupRef, [...seen]);
      seen.clear();
    }
    for (const rollup of this.#rollups.values()) await this.tx.putRollup(rollup);
  }
}
