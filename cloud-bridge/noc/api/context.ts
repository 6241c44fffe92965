import type { Clock } from "#ports/clock.ts";
import type { ChunkDecoder } from "#ports/codec.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { NocAuthority } from "../authority/noc-authority.ts";
import type { Connectors } from "../connectors/connectors.ts";
import type { EditorServer } from "../editor/editor-server.ts";
import type { RemoteEditors } from "../editor/remote-editors.ts";
import type { PageAssets } from "../pages/assets.ts";
import type { OrderOutlet } from "../registry/alarm-desk.ts";
import type { Rollouts } from "../releases/rollouts.ts";
import type { ServiceDesk } from "../services/service-desk.ts";
import type { NocStatus } from "../status.ts";
import type { NocStore } from "../store/store.ts";
import type { Gatekeeper } from "./auth.ts";
import type { LiveFeed } from "./live-feed.ts";

export interface ApiOptions {
  /** How gateways are told what operators decided about alarms: signed commands. Absent = only the NOC knows. */
  readonly orders?: OrderOutlet;
  readonly listen: { readonly host: string; readonly port: number };
  /** Names under which the page may be asked for, besides the addresses it listens on. */
  readonly allowedHosts?: readonly string[];
  /** Bearer token of the API; at least 32 characters. */
  readonly token: string;
  /** Opened by the NOC's caller, and closed by the NOC at its end. */
  readonly store: NocStore;
  readonly decoder: ChunkDecoder;
  readonly feed: LiveFeed;
  readonly connectors: Connectors;
  /** What orders, made by the NOC's caller with keys that nothing else here gets to see. Absent: this NOC only listens, it orders nothing. */
  readonly authority?: NocAuthority;
  /** Absent: this NOC has no catalogue. */
  readonly services?: ServiceDesk;
  /** Brings released versions to many gateways, through the authority. */
  readonly rollouts?: Rollouts;
  /** Why the releases' signatures are not kept fresh, in words; empty = they are. */
  readonly renewal?: { readonly problem: string };
  /** Absent: editors of gateways are not reached from here. */
  readonly editor?: { readonly editors: RemoteEditors; readonly server: EditorServer };
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly pages: () => Promise<PageAssets>;
  /** Folder of the releases for gateways; absent = none are served. */
  readonly releases?: string;
  readonly version: string;
  readonly status: () => NocStatus;
}

/** What routes get. */
export interface ApiContext extends ApiOptions {
  readonly gatekeeper: Gatekeeper;
  /** Aborts when the server ends. */
  readonly signal: AbortSignal;
  url(): string;
}
