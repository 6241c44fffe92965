import { isGatewayError } from "#model/errors.ts";
import type { ServiceDirectory } from "#ports/catalogue.ts";
import type { Clock } from "#ports/clock.ts";
import type { ChunkDecoder } from "#ports/codec.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { createChunkDecoder } from "../protocol/codec/decoder.ts";
import type { ApiOptions } from "./api/context.ts";
import { LiveFeed } from "./api/live-feed.ts";
import { type ApiServer, createApi } from "./api/server.ts";
import type { NocAuthority } from "./authority/noc-authority.ts";
import type { ConnectorOptions } from "./connectors/connector.ts";
import { Connectors } from "./connectors/connectors.ts";
import type { EditorFiles } from "./editor/editor-files.ts";
import { EditorServer } from "./editor/editor-server.ts";
import { RemoteEditors } from "./editor/remote-editors.ts";
import { Acker } from "./ingest/acker.ts";
import { BatchWriter } from "./ingest/batch.ts";
import { BrokerLink, type BrokerLinkOptions } from "./ingest/broker-link.ts";
import { Ingest } from "./ingest/ingest.ts";
import { defaultGrants, defaultIngestLimits, type IngestGrants, type IngestLimits } from "./ingest/limits.ts";
import { OfflineWatch } from "./ingest/offline-watch.ts";
import { Telemetry } from "./ingest/telemetry.ts";
import type { OrderOutlet } from "./registry/alarm-desk.ts";
import type { ReleaseRenewal } from "./releases/renewal.ts";
import type { Rollouts } from "./releases/rollouts.ts";
import { ServiceDesk } from "./services/service-desk.ts";
import type { NocStatus } from "./status.ts";
import type { NocStore } from "./store/store.ts";

/** What the API passes on to its routes as the caller gave it. */
type ForRoutes = Pick<
  ApiOptions,
  | "allowedHosts"
  | "authority"
  | "clock"
  | "entropy"
  | "listen"
  | "logger"
  | "orders"
  | "pages"
  | "releases"
  | "rollouts"
  | "store"
  | "token"
  | "version"
>;

export interface NocOptions extends ForRoutes {
  readonly brokerUrl: string;
  readonly credentials?: BrokerLinkOptions["credentials"];
  /** Tenants served; empty = all. Only named ones are told the NOC's state. */
  readonly tenants: readonly string[];
  readonly limits?: Partial<IngestLimits>;
  readonly grants?: Partial<IngestGrants>;
  /** Services that can be activated; only with an authority. */
  readonly directory?: ServiceDirectory;
  /** Signs the releases' short-lived metadata anew. */
  readonly renewal?: ReleaseRenewal;
  /** Where browsers reach the editors of gateways; only with an authority. Absent: there are none. */
  readonly editor?: {
    readonly listen: { readonly host: string; readonly port: number };
    readonly url?: string;
    readonly files?: EditorFiles;
  };
  /** Receivers of signed webhooks. */
  readonly connectors?: readonly ConnectorOptions[];
}

/** The NOC's end as one unit. */
export interface Noc extends Unit {
  /** Where the API listens; settles once it does. */
  readonly url: Promise<string>;
  status(): NocStatus;
  /** A link that signs a browser in, once. */
  signInLink(): Promise<string>;
}

/** How often old data is looked for, and the pause between two pieces of it, ms. */
const expireEveryMs = 600_000;
const expirePauseMs = 200;

export function createNoc(options: NocOptions): Noc {
  const limits: IngestLimits = { ...defaultIngestLimits, ...options.limits };
  const grants: IngestGrants = { ...defaultGrants, ...options.grants };
  const { store, clock, entropy, logger } = options;
  const decoder: ChunkDecoder = createChunkDecoder();
  const telemetry = new Telemetry(decoder, limits);
  const feed = new LiveFeed();
  const acker = new Acker(clock, grants, (tenant, gateway, payload) => link.sendAck(tenant, gateway, payload));
  const ingest = new Ingest({
    ...{ store, clock, entropy, logger, limits, telemetry },
    writer: new BatchWriter(decoder, telemetry, limits),
    onCommitted: (news) => {
      for (const one of news) acker.note(one);
      feed.announce(news.map((one) => `${one.tenant}/${one.gateway}`));
    },
  });
  const link: BrokerLink = new BrokerLink({
    ...{ brokerUrl: options.brokerUrl, tenants: options.tenants, limits, clock, entropy, logger },
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    onDelivery: (delivery) => ingest.offer(delivery),
  });
  const status = (): NocStatus => ({ brokerConnected: link.connected, acksSent: acker.sent, ingest: ingest.counters });
  const connectors = new Connectors(options.connectors ?? [], { store: store.outgoing, clock, entropy, logger });
  const offline = new OfflineWatch({ store, clock, onChanged: (gateways) => feed.announce(gateways) });
  const orders = options.orders ?? ordersBy(options.authority, logger);
  const { authority, directory, rollouts, renewal } = options;
  const services =
    authority === undefined || directory === undefined ? undefined : new ServiceDesk({ authority, directory, clock, logger });
  const editor = editorOf(options);
  const more = {
    ...(orders === undefined ? {} : { orders }),
    ...(services === undefined ? {} : { services }),
    ...(editor === undefined ? {} : { editor }),
  };
  const { editor: _listen, ...own } = options;
  const api = createApi({ ...own, ...more, decoder, feed, status, connectors });
  return {
    name: "noc",
    url: api.url,
    status,
    signInLink: () => api.signInLink(),
    run: (signal) =>
      runNoc({ link, ingest, acker, api, store, clock, connectors, authority, services, rollouts, renewal, offline, editor }, signal),
  };
}

function editorOf(options: NocOptions): { readonly editors: RemoteEditors; readonly server: EditorServer } | undefined {
  const { authority, editor, clock, entropy, logger, allowedHosts = [] } = options;
  if (authority === undefined || editor === undefined) return undefined;
  const editors = new RemoteEditors({ authority, clock, entropy, logger });
  return { editors, server: new EditorServer({ ...editor, allowedHosts, editors, clock, logger }) };
}

/** Signed commands, a day long: who is offline gets them when it is back. What cannot be ordered holds at the NOC all the same. */
function ordersBy(authority: NocAuthority | undefined, logger: Logger): OrderOutlet | undefined {
  if (authority === undefined) return undefined;
  return async ({ tenant, id }, op, args) => {
    try {
      authority.order(tenant, id, { op, args, risk: "write", ttl: 86_400 }, typeof args["by"] === "string" ? args["by"] : "noc");
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      logger.warn({ gateway: id, operation: op, code: error.code }, "the gateway cannot be told what operators decided");
    }
  };
}

interface Parts {
  readonly link: BrokerLink;
  readonly ingest: Ingest;
  readonly acker: Acker;
  readonly api: ApiServer;
  readonly store: NocStore;
  readonly clock: Clock;
  readonly connectors: Connectors;
  readonly authority: NocAuthority | undefined;
  readonly services: ServiceDesk | undefined;
  readonly rollouts: Rollouts | undefined;
  readonly renewal: ReleaseRenewal | undefined;
  readonly offline: OfflineWatch;
  readonly editor: ReturnType<typeof editorOf>;
}

async function runNoc(parts: Parts, signal: AbortSignal): Promise<void> {
  const inner = new AbortController();
  const abort = () => inner.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const units = [
    parts.api.run(inner.signal),
    parts.ingest.run(inner.signal),
    parts.acker.run(inner.signal),
    parts.link.run(inner.signal),
    parts.connectors.run(inner.signal),
    ...(parts.authority === undefined ? [] : [parts.authority.run(inner.signal)]),
    ...(parts.services === undefined ? [] : [parts.services.run(inner.signal)]),
    ...(parts.rollouts === undefined ? [] : [parts.rollouts.run(inner.signal)]),
    ...(parts.renewal === undefined ? [] : [parts.renewal.run(inner.signal)]),
    ...(parts.editor === undefined ? [] : [parts.editor.editors.run(inner.signal), parts.editor.server.run(inner.signal)]),
    parts.offline.run(inner.signal),
    expire(parts, inner.signal),
  ];
  // The first that fails takes the others along; the supervisor decides what happens then.
  const lives = units.map((unit) => unit.catch((error: unknown) => endOf(error, inner, signal)));
  try {
    await Promise.all(lives);
  } finally {
    signal.removeEventListener("abort", abort);
    inner.abort(new Error("ended"));
    await Promise.allSettled(units);
    await parts.store.close();
  }
}

function endOf(error: unknown, inner: AbortController, outer: AbortSignal): void {
  if (outer.aborted && (error === outer.reason || inner.signal.aborted)) return;
  inner.abort(error);
  throw error;
}

async function expire(parts: Pick<Parts, "store" | "clock">, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await parts.clock.sleep(expireEveryMs, signal);
    try {
      while (await parts.store.expire(parts.clock.now().wallMs)) await parts.clock.sleep(expirePauseMs, signal);
    } catch (error) {
      // Ingest meets the same store and says so; old data can wait for the next round.
      if (!isGatewayError(error) || !error.retryable) throw error;
    }
  }
}
