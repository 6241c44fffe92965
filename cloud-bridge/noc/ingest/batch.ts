import type { StreamClass } from "#model/chunk.ts";
import type { ChunkDecoder } from "#ports/codec.ts";
import type { ChunkRow, JsonObject, StreamRow } from "../store/rows.ts";
import type { StoreTransaction } from "../store/store.ts";
import type { Delivery, GatewayNews } from "./delivery.ts";
import { DictionaryWatch } from "./dictionary-watch.ts";
import { type Draft, Drafts, type GatewayDraft } from "./drafts.ts";
import { applyEvents } from "./events.ts";
import { watchGreeting } from "./greeting.ts";
import { applyInventory } from "./inventory.ts";
import type { IngestLimits } from "./limits.ts";
import { type Place, placeOf } from "./place.ts";
import { applyHello, applyReported, applyState } from "./presence.ts";
import { beyondContiguous, contiguousTo, hasSeq, highestSeq, withRange } from "./ranges.ts";
import { watchSequence } from "./sequence-watch.ts";
import type { Telemetry } from "./telemetry.ts";
import { classOfLeaf, type Understood, understand } from "./understand.ts";

/** What one transaction did, for counters and acknowledgements. */
export interface BatchResult {
  readonly news: readonly GatewayNews[];
  readonly chunks: number;
  readonly samples: number;
  readonly duplicates: number;
  readonly refused: number;
  /** Some stream has more chunks ready than fit this transaction. */
  readonly more: boolean;
  /** Of `settle`: stored chunks wait for their predecessors. */
  readonly waits: boolean;
}

interface Arrival {
  readonly delivery: Delivery;
  readonly place: { readonly stream: string; readonly seq: number };
  readonly streamClass: StreamClass;
}

interface Poison {
  readonly delivery: Delivery;
  /** One of our own words. */
  readonly reason: string;
  readonly place?: Place;
}

interface Tally {
  chunks: number;
  duplicates: number;
  refused: number;
}

/** At most this many `x` ranges in an ack (schema of `ack`). */
const maxAckRanges = 32;

/** Turns messages into rows, inside one transaction: chunk keys, data and positions stand or fall together. */
export class BatchWriter {
  readonly #decoder: ChunkDecoder;
  readonly #telemetry: Telemetry;
  readonly #limits: IngestLimits;
  readonly #dictionaries: DictionaryWatch;

  constructor(decoder: ChunkDecoder, telemetry: Telemetry, limits: IngestLimits) {
    this.#decoder = decoder;
    this.#telemetry = telemetry;
    this.#limits = limits;
    this.#dictionaries = new DictionaryWatch(limits);
  }

  async write(tx: StoreTransaction, deliveries: readonly Delivery[], nowMs: number): Promise<BatchResult> {
    const drafts = new Drafts(tx, nowMs, this.#limits);
    const tally: Tally = { chunks: 0, duplicates: 0, refused: 0 };
    for (const delivery of deliveries) {
      const gateway = await drafts.gateway(delivery.tenant, delivery.gateway);
      if (gateway === undefined) {
        tally.refused += 1;
        continue;
      }
      gateway.row.seenMs = nowMs;
      const understood = understand(delivery, this.#decoder, this.#limits.maxMessageBytes);
      await this.#receive(drafts, gateway, { delivery, understood }, tally);
    }
    return this.#finish(drafts, tally);
  }

  /** Applies chunks that are stored and were not yet: of streams that wait for a lost predecessor, or (`all`) whatever earlier transactions left. */
  async settle(tx: StoreTransaction, nowMs: number, all: boolean): Promise<BatchResult> {
    const drafts = new Drafts(tx, nowMs, this.#limits);
    await this.#dictionaries.look(drafts);
    for (const pending of await tx.pendingStreams(all ? nowMs + 1 : nowMs - this.#limits.patienceMs, 64)) {
      const gateway = await drafts.gateway(pending.tenant, pending.gateway);
      if (gateway !== undefined) await drafts.stream(gateway, pending.stream.id);
    }
    const result = await this.#finish(drafts, { chunks: 0, duplicates: 0, refused: 0 });
    return { ...result, waits: this.#dictionaries.waits || (await tx.pendingStreams(nowMs + 1, 1)).length > 0 };
  }

  async #finish(drafts: Drafts, tally: Tally): Promise<BatchResult> {
    const samplesBefore = samplesOf(drafts);
    let more = false;
    for (const gateway of drafts.gateways) {
      for (const stream of gateway.streams.values()) {
        if (stream.streamClass === "T" && (await this.#telemetry.apply(drafts, gateway, stream))) more = true;
        const ahead = gateway.ahead.get(stream.ref);
        if (ahead !== undefined && ahead.seq > stream.appliedTo) await this.#telemetry.preview(drafts, gateway, stream, ahead);
      }
    }
    await drafts.flush();
    return { ...tally, samples: samplesOf(drafts) - samplesBefore, more, waits: true, news: [...drafts.gateways].map(newsOf) };
  }

  async #receive(
    drafts: Drafts,
    gateway: GatewayDraft,
    message: { delivery: Delivery; understood: Understood },
    tally: Tally,
  ): Promise<void> {
    const { delivery, understood } = message;
    switch (understood.kind) {
      case "refused":
        return this.#receivePoison(drafts, gateway, { delivery, reason: understood.reason }, tally);
      case "state":
        applyState(gateway.row, understood.message, drafts.nowMs);
        return;
      case "hello": {
        await watchGreeting(drafts, gateway, understood.message, delivery.retained);
        applyHello(gateway.row, understood.message, drafts.nowMs, delivery.retained);
        gateway.hello = true;
        const { T, E, C, I, S, B } = understood.message.streams;
        // Named in the answer, so that the gateway knows at once what it need not send again.
        for (const id of [T, E, C, I, S, ...(B ?? [])].slice(0, 100)) if (typeof id === "string") await drafts.stream(gateway, id);
        return;
      }
      case "reported":
        applyReported(gateway.row, understood.message);
        return;
      case "json":
        return this.#receiveBatch(drafts, gateway, delivery, understood, tally);
      default:
        return this.#receiveChunk(drafts, gateway, delivery, understood, tally);
    }
  }

  /** What cannot be read is set aside; where its place can be told it counts as received, so that it never blocks what comes after. */
  async #receivePoison(drafts: Drafts, gateway: GatewayDraft, poison: Poison, tally: Tally): Promise<void> {
    const { delivery } = poison;
    const streamClass = classOfLeaf[delivery.leaf];
    const place = streamClass === undefined ? undefined : placeOf(delivery.payload);
    if (streamClass === undefined || place === undefined) return this.#refuse(drafts, gateway, poison, tally);
    const stream = await this.#admit(drafts, gateway, { delivery, place, streamClass }, tally);
    if (stream === undefined) return;
    stream.deadLetters += 1;
    await this.#refuse(drafts, gateway, { ...poison, place }, tally);
  }

  async #receiveBatch(
    drafts: Drafts,
    gateway: GatewayDraft,
    delivery: Delivery,
    batch: Extract<Understood, { kind: "json" }>,
    tally: Tally,
  ): Promise<void> {
    const stream = await this.#admit(drafts, gateway, { delivery, place: batch, streamClass: batch.streamClass }, tally);
    if (stream === undefined) return;
    const body: JsonObject = batch.body;
    if (batch.streamClass === "I") await applyInventory(drafts, gateway, body);
    else if (delivery.leaf === "sla") await this.#keep(drafts, gateway, stream, batch.seq, delivery.payload);
    else await applyEvents(drafts, gateway, this.#limits, batch);
  }

  /** Evidence is kept as it came: its signature covers these bytes. */
  async #keep(drafts: Drafts, gateway: GatewayDraft, stream: StreamRow, seq: number, payload: Uint8Array): Promise<void> {
    const place = { streamRef: stream.ref, gatewayRef: gateway.row.ref, seq, kind: "chunk", state: "applied" } as const;
    const when = {
      fromMs: drafts.nowMs,
      toMs: drafts.nowMs,
      intervalMs: 0,
      keyFrame: false,
      dictionaryRevision: 0,
      samples: 0,
      bootId: undefined,
    };
    await drafts.tx.addChunk({ ...place, ...when, receivedMs: drafts.nowMs, payload });
  }

  async #receiveChunk(
    drafts: Drafts,
    gateway: GatewayDraft,
    delivery: Delivery,
    understood: Extract<Understood, { kind: "chunk" | "dict" }>,
    tally: Tally,
  ): Promise<void> {
    const stream = await this.#admit(drafts, gateway, { delivery, place: understood, streamClass: "T" }, tally);
    if (stream === undefined) return;
    const place = {
      streamRef: stream.ref,
      gatewayRef: gateway.row.ref,
      seq: understood.seq,
      kind: understood.kind,
      state: "pending",
    } as const;
    const row: ChunkRow = { ...place, ...headOf(understood), samples: 0, receivedMs: drafts.nowMs, payload: delivery.payload };
    await drafts.tx.addChunk(row);
    // After an outage the newest travel first, on the live topic: the history they follow comes behind them.
    if (
      delivery.leaf === "tm" &&
      row.kind === "chunk" &&
      row.seq === highestSeq(stream.received) &&
      row.seq > contiguousTo(stream.received)
    )
      gateway.ahead.set(stream.ref, row);
  }

  /** The gate: undefined = known already, or no room; else the stream with `seq` marked as received. */
  async #admit(drafts: Drafts, gateway: GatewayDraft, arrival: Arrival, tally: Tally): Promise<Draft<StreamRow> | undefined> {
    const { delivery, place, streamClass } = arrival;
    const stream = await drafts.stream(gateway, place.stream, streamClass);
    if (stream === undefined || stream.streamClass !== streamClass) {
      await this.#refuse(drafts, gateway, { delivery, reason: stream === undefined ? "too-many-streams" : "wrong-stream-class" }, tally);
      return undefined;
    }
    gateway.committed += 1;
    stream.seenMs = drafts.nowMs;
    if (hasSeq(stream.received, place.seq)) {
      stream.duplicates += 1;
      tally.duplicates += 1;
      await watchSequence(drafts, gateway, stream, { seq: place.seq, delivery });
      return undefined;
    }
    const received = withRange(stream.received, place.seq, place.seq);
    if (received.length > this.#limits.maxRanges) {
      tally.refused += 1;
      gateway.row.refusedMessages += 1;
      return undefined;
    }
    if (place.seq < highestSeq(stream.received)) stream.late += 1;
    stream.received = received;
    stream.chunks += 1;
    stream.bytes += delivery.payload.byteLength;
    tally.chunks += 1;
    return stream;
  }

  async #refuse(drafts: Drafts, gateway: GatewayDraft, poison: Poison, tally: Tally): Promise<void> {
    tally.refused += 1;
    gateway.row.refusedMessages += 1;
    const { leaf, payload } = poison.delivery;
    // Presence and reports are repeated by themselves; what a stream carried is kept for a person.
    if (leaf === "state" || leaf === "hello" || leaf === "rep") return;
    const letter = { gatewayRef: gateway.row.ref, leaf, streamId: poison.place?.stream ?? "", seq: poison.place?.seq ?? 0 };
    await drafts.tx.addDeadLetter({
      ...letter,
      reason: poison.reason,
      receivedMs: drafts.nowMs,
      bytes: payload.byteLength,
      payload: payload.subarray(0, 98_304),
    });
  }
}

type ChunkHead = Pick<ChunkRow, "fromMs" | "toMs" | "intervalMs" | "keyFrame" | "dictionaryRevision" | "bootId">;

function headOf(understood: Extract<Understood, { kind: "chunk" | "dict" }>): ChunkHead {
  if (understood.kind === "dict") {
    const none = { fromMs: undefined, toMs: undefined, bootId: undefined, intervalMs: 0, keyFrame: false };
    const { full, base, revision } = understood.record;
    return { ...none, dictionaryRevision: full ? revision : base };
  }
  const { chunk } = understood;
  const unanchored = (chunk.flags & 4) !== 0;
  return {
    fromMs: undefined,
    toMs: undefined,
    intervalMs: chunk.intervalMs,
    keyFrame: (chunk.flags & 1) !== 0,
    dictionaryRevision: chunk.dictionaryRevision,
    bootId: unanchored ? (chunk.bootId ?? "") : undefined,
  };
}

function samplesOf(drafts: Drafts): number {
  let samples = 0;
  for (const gateway of drafts.gateways) for (const stream of gateway.streams.values()) samples += stream.samples;
  return samples;
}

function newsOf(gateway: GatewayDraft): GatewayNews {
  const streams = new Map<string, { readonly upTo: number; readonly ranges: readonly (readonly [number, number])[] }>();
  for (const stream of gateway.streams.values()) {
    streams.set(stream.id, { upTo: contiguousTo(stream.received), ranges: beyondContiguous(stream.received, maxAckRanges) });
  }
  return {
    tenant: gateway.row.tenant,
    gateway: gateway.row.id,
    streams,
    neededRevisions: [...gateway.needed],
    committed: gateway.committed,
    hello: gateway.hello,
  };
}
