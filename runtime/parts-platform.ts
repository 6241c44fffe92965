import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { IdentityStore } from "#ports/identity.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import type { AuditBook } from "./host/audit-book.ts";
import type { LogTap } from "./host/log-tap.ts";
import type { SiteConfiguration } from "./site-configuration.ts";

/** The world's side of every part: time, chance and words. */
export interface Platform {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

/** What one run of the gateway shares with the process around it. */
export interface RunParts {
  /** Opened by the caller, closed by the gateway. */
  readonly state: State;
  readonly site: SiteConfiguration;
  readonly audit: AuditBook;
  readonly identity: IdentityStore;
  /** The log, to be read along by the command desk. */
  readonly logs?: LogTap;
  /** Ends this run in order and begins another in the same process. */
  readonly restart: (reason: string) => void;
}
