import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicMs, wallMs } from "#model/time.ts";
import type { Clock } from "#ports/clock.ts";
import type { UplinkLeaf } from "#ports/uplink.ts";
import { type BatchResult, BatchWriter } from "../../../cloud-bridge/noc/ingest/batch.ts";
import type { Delivery } from "../../../cloud-bridge/noc/ingest/delivery.ts";
import { defaultIngestLimits, type IngestLimits } from "../../../cloud-bridge/noc/ingest/limits.ts";
import { Telemetry } from "../../../cloud-bridge/noc/ingest/telemetry.ts";
import { SqliteStore } from "../../../cloud-bridge/noc/store/sqlite/sqlite-store.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { formatState } from "../../../cloud-bridge/protocol/messages/presence.ts";

/** A clock that stands where the test puts it; sleeping yields once. */
export class HandClock implements Clock {
  wall: number;

  constructor(wall = 1_800_000_000_000) {
    this.wall = wall;
  }

  now() {
    return { wallMs: wallMs(this.wall), monotonicMs: monotonicMs(this.wall), bootId: "0c0c0c0c", quality: "synced" as const };
  }

  monotonicMs(): number {
    return this.wall;
  }

  async sleep(): Promise<void> {}

  anchors() {
    return [];
  }
}

/** Ingest without a broker: messages go straight into transactions. */
export class IngestKit {
  readonly dir = mkdtempSync(join(tmpdir(), "noc-kit-"));
  readonly clock = new HandClock();
  readonly decoder = createChunkDecoder();
  readonly limits: IngestLimits;
  store: SqliteStore;
  writer: BatchWriter;
  telemetry: Telemetry;

  constructor(limits: Partial<IngestLimits> = {}) {
    this.limits = { ...defaultIngestLimits, ...limits };
    this.store = new SqliteStore(this.dir);
    this.telemetry = new Telemetry(this.decoder, this.limits);
    this.writer = new BatchWriter(this.decoder, this.telemetry, this.limits);
  }

  /** As after a restart of the process: nothing in memory, the file as it is. */
  async restart(): Promise<void> {
    await this.store.close();
    this.store = new SqliteStore(this.dir);
    this.telemetry = new Telemetry(this.decoder, this.limits);
    this.writer = new BatchWriter(this.decoder, this.telemetry, this.limits);
  }

  async receive(leaf: UplinkLeaf, ...payloads: readonly Uint8Array[]): Promise<BatchResult> {
    return this.receiveFrom("gw-one", leaf, ...payloads);
  }

  async receiveFrom(gateway: string, leaf: UplinkLeaf, ...payloads: readonly Uint8Array[]): Promise<BatchResult> {
    const deliveries = payloads.map(
      (payload): Delivery => ({ tenant: "acme", gateway, leaf, payload, retained: false, puback: () => undefined }),
    );
    return this.store.transaction((tx) => this.writer.write(tx, deliveries, this.clock.wall));
  }

  /** The gateway says that it is there. */
  async online(gateway = "gw-one", connection = 1): Promise<void> {
    await this.receiveFrom(gateway, "state", formatState({ v: 1, on: true, conn: connection, boot: "b0070001", why: "connect" }));
  }

  async settle(all = false): Promise<BatchResult> {
    return this.store.transaction((tx) => this.writer.settle(tx, this.clock.wall, all));
  }

  async gateway(id = "gw-one") {
    const row = await this.store.read.gateway("acme", id);
    if (row === undefined) throw new Error(`the NOC does not know ${id}`);
    return row;
  }

  async close(): Promise<void> {
    await this.store.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
