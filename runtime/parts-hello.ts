import type { Buffer, StreamState } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { FrameEncoder } from "#ports/codec.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { UplinkLimits } from "#ports/uplink.ts";
import { capabilities, formatHello, type HelloMessage } from "../cloud-bridge/protocol/messages/presence.ts";

export interface HelloFacts {
  readonly gateway: { readonly id: string; readonly tenant: string; readonly site: string };
  readonly version: string;
  readonly devices: number;
  /** Random word of this process; two devices with the same identity have two. */
  readonly run?: string;
  readonly connection: number;
  readonly limits: UplinkLimits;
  readonly buffer: Buffer;
  readonly encoder: FrameEncoder;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Whom this gateway obeys; absent = nobody. */
  readonly authority?: {
    readonly nonce: string;
    readonly generation: number;
    readonly keys: number;
    readonly epoch: number;
    readonly isPinned: boolean;
    readonly operations: Readonly<Record<string, string>>;
  };
}

/** The birth message of one connection (PROTOCOL 5.1): who this is, what it can do, which streams it has and how its ledger stands. */
export async function helloBody(facts: HelloFacts): Promise<Uint8Array> {
  const { gateway, buffer, encoder, clock, entropy, limits } = facts;
  const { streams, ledger } = await buffer.stats();
  const now = clock.now();
  const open = new Map(streams.filter((stream) => stream.open).map((stream) => [stream.streamClass, stream]));
  const oldest = streams.flatMap((stream) => (stream.oldestSealedAtMs === undefined ? [] : [stream.oldestSealedAtMs]));
  const message: HelloMessage = {
    v: 1,
    gw: gateway.id,
    tenant: gateway.tenant,
    site: gateway.site,
    agent: facts.version,
    os: `${process.platform}-${process.arch}`,
    at: now.wallMs,
    boot: now.bootId,
    ...(facts.run === undefined ? {} : { run: facts.run }),
    conn: facts.connection,
    nonce: facts.authority?.nonce ?? base64url(entropy.bytes(16)),
    ...(facts.authority === undefined ? {} : { gen: facts.authority.generation }),
    ...(facts.authority?.isPinned === true
      ? { auth: { keys: facts.authority.keys, epoch: facts.authority.epoch }, ops: facts.authority.operations }
      : {}),
    proto: { min: 1, max: 1, minor: 0 },
    caps: capabilities,
    streams: {
      T: idOf(open.get("T")),
      E: idOf(open.get("E")),
      C: idOf(open.get("C")),
      I: idOf(open.get("I")),
      S: idOf(open.get("S")),
      B: streams.filter((stream) => stream.streamClass === "T" && !stream.open).map((stream) => stream.stream),
    },
    next: Object.fromEntries([...open].map(([streamClass, stream]) => [streamClass, stream.nextSeq])),
    dict: { rev: encoder.dictionaryRevision },
    clock: { quality: now.quality },
    outbox: {
      bytes: streams.reduce((sum, stream) => sum + stream.bytes, 0),
      samples: ledger.buffered,
      ...(oldest.length === 0 ? {} : { oldest: Math.min(...oldest) }),
    },
    ledger: {
      polled: ledger.polled,
      delivered: ledger.delivered,
      buffered: ledger.buffered,
      dropped: ledger.dropped,
      since: ledger.sinceMs,
      restarts: ledger.restarts,
    },
    limits: { max_packet: limits.maxPayloadBytes },
    counts: { devices: facts.devices, series: encoder.seriesCount },
  };
  return formatHello(message);
}

function idOf(stream: StreamState | undefined): string | null {
  return stream?.stream ?? null;
}

function base64url(bytes: Uint8Array): string {
  return globalThis.Buffer.from(bytes).toString("base64url");
}
