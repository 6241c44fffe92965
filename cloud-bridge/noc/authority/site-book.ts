import type { HelloMessage, StateMessage } from "../../protocol/messages/presence.ts";
import type { ReportedMessage } from "../../protocol/messages/twin.ts";

/** What is known of a gateway from its retained messages, as far as ordering goes. */
export interface SiteView {
  readonly tenant: string;
  readonly gateway: string;
  online: boolean;
  /** Of its present session. */
  nonce: string | undefined;
  connection: number;
  /** Version of its key document; undefined = it pins nobody. */
  keys: number | undefined;
  /** How often the key document was sent in its session. */
  keysSent: number;
  /** Newest generation it says it accepted. */
  gen: number;
  /** Operations it offers, with their risk. */
  operations: Readonly<Record<string, string>>;
  reported: ReportedMessage | undefined;
  reportedMs: number | undefined;
}

const maxSites = 100_000;

export function siteKey(site: Pick<SiteView, "tenant" | "gateway">): string {
  return `${site.tenant}/${site.gateway}`;
}

/** Who is there: rebuilt from retained messages after a start, so nothing of it is stored. */
export class SiteBook {
  readonly #sites = new Map<string, SiteView>();

  get(tenant: string, gateway: string): SiteView | undefined {
    return this.#sites.get(`${tenant}/${gateway}`);
  }

  get all(): Iterable<SiteView> {
    return this.#sites.values();
  }

  /** undefined = more gateways than this NOC keeps. */
  of(tenant: string, gateway: string): SiteView | undefined {
    const key = `${tenant}/${gateway}`;
    const known = this.#sites.get(key);
    if (known !== undefined || this.#sites.size >= maxSites) return known;
    const made: SiteView = {
      ...{ tenant, gateway, online: false, nonce: undefined, connection: 0, keys: undefined, keysSent: 0, gen: 0 },
      ...{ operations: {}, reported: undefined, reportedMs: undefined },
    };
    this.#sites.set(key, made);
    return made;
  }

  /** A retained hello may be of a session that ended: then its nonce is refused, and the next hello brings another. */
  hello(site: SiteView, message: HelloMessage, retained = false): void {
    if (!retained) site.online = true;
    site.keysSent = 0;
    site.nonce = message.nonce;
    site.connection = message.conn;
    site.keys = message.auth?.keys;
    site.gen = message.gen ?? 0;
    site.operations = message.ops ?? {};
  }

  state(site: SiteView, message: StateMessage): void {
    if (!message.on && (message.conn ?? site.connection) < site.connection) return;
    site.online = message.on;
  }

  reported(site: SiteView, message: ReportedMessage, nowMs: number): void {
    site.reported = message;
    site.keys = message.keys ?? site.keys;
    site.reportedMs = nowMs;
    site.gen = Math.max(site.gen, message.gen);
  }
}
