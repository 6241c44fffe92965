import type { Command, CommandResult } from "#model/command.ts";
import type { Credential, Equipment } from "#model/equipment.ts";
import type { ErrorCode } from "#model/errors.ts";
import type { Event, Inventory } from "#model/observation.ts";
import type { Report } from "#model/report.ts";
import type { Clock } from "./clock.ts";
import type { Entropy } from "./entropy.ts";
import type { Logger } from "./logger.ts";

/** What a driver is given. One per driver; shared by all of its sessions. */
export interface DriverContext {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** Resolves a credential by name. @throws GatewayError config.secret */
  credential(name: string): Credential;
}

/** A table's share of a poll's cost. */
export interface TableCost {
  readonly table: string;
  readonly requests: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly durationMs: number;
  /** Estimated as the poll's is. */
  readonly cpuMs: number;
}

/** What one poll cost; summed per equipment and table in `gatehouse status`. */
export interface PollCost {
  /** All packets since the poll before that was answered: what was asked in between, or for upkeep, counts to this one. Bytes likewise, where the driver counts them. */
  readonly requests: number;
  readonly retries: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Time from the first request to the last answer, milliseconds. */
  readonly durationMs: number;
  /** CPU of encoding and decoding, milliseconds; estimated where it cannot be measured per poll. */
  readonly cpuMs: number;
  /** Values in the report; absent = the driver did not count them. */
  readonly values?: number;
  /** Values and answers that were not believed, by kind, since the session was opened: `counterDecreased`, `forgedAnswers`, ... At most 16 kinds. */
  readonly distrusted?: Readonly<Record<string, number>>;
  /** Per table name: share of the above; what is in none of them was asked first of all in a poll, or for upkeep. */
  readonly tables: readonly TableCost[];
}

/** What equipment was asked besides the values of its tables, one kind of it, since the session was opened; a part of the polls' costs. */
export interface UpkeepCost {
  /** `probing`: which tables there are. `rows`: which rows tables have and what those are called. `inventory`: what the equipment is and is made of. */
  readonly what: "probing" | "rows" | "inventory";
  /** How often it was begun. */
  readonly times: number;
  readonly requests: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** How long it went on, also between polls. */
  readonly durationMs: number;
  /** Estimated as a poll's is. */
  readonly cpuMs: number;
}

/**
 * A table that is not read whole with each of its turns. `failing`: its last readings failed, it is asked for at its next turn. `set-aside`: it failed
 * so often that it has longer and longer pauses. `cut`: it has more rows than a limit allows, the rest is not read. `unverified`: its values are read,
 * but learning its rows anew failed. `refused`: a limit leaves no room for it, it is not read.
 */
export interface TableTrouble {
  readonly table: string;
  readonly state: "failing" | "set-aside" | "cut" | "unverified" | "refused";
  /** Monotonic milliseconds of when it began; there was no success since. */
  readonly sinceMs: number;
  /** It is asked for again, or its rows are (`cut`, `unverified`), at the first turn after this monotonic time. */
  readonly againAtMs: number;
  /** How often running. */
  readonly times: number;
  readonly code: ErrorCode;
  /** Why, in words of ours. */
  readonly reason: string;
}

/** What there is to say of a session besides what its polls cost. */
export interface SessionAccount {
  /** Kinds that there were any of. */
  readonly upkeep: readonly UpkeepCost[];
  /** Empty where all is well; at most as many as the equipment has tables. */
  readonly troubles: readonly TableTrouble[];
}

export interface PollResult {
  readonly report: Report;
  readonly cost: PollCost;
  /** Present when the device's identity was (re)read and differs from what was last returned. */
  readonly inventory?: Inventory;
  /** Things noticed: agent restart, identity reset, OID quarantined. At most 16. */
  readonly events: readonly Event[];
  /** Nobody looks at the report's columns any more: they may serve another equipment. Optional to call, once; without it they are left to the collector. */
  release?(): void;
}

/** When a poll is due and by when it must have ended. */
export interface PollRequest {
  /** Grid slot on the monotonic clock, milliseconds. */
  readonly plannedAtMs: number;
  /** The poll is cut off at this monotonic time; what is there by then is returned with a gap `partial`. */
  readonly deadlineMs: number;
}

/**
 * One equipment as seen by its driver. Sequential: the caller never overlaps calls of `poll`.
 * @throws GatewayError driver.* from `poll` when nothing was obtained; partial success is a Report with gaps.
 */
export interface DriverSession {
  poll(request: PollRequest, signal: AbortSignal): Promise<PollResult>;
  /** A cheap sign of life for the unreachable (one small request, no retries); true = answered, false = silence. @throws GatewayError driver.* with the reason, driver.timeout for silence in words */
  probe?(signal: AbortSignal): Promise<boolean>;
  execute?(command: Command, signal: AbortSignal): Promise<CommandResult>;
  /** For `gatehouse status`: put together when somebody asks. Optional: a driver that only ever asks for values has nothing to say. */
  account?(): SessionAccount;
  close(): Promise<void>;
}

export interface Driver {
  readonly name: string;
  /** JSON Schema (draft 2020-12) of Equipment.settings. */
  readonly settingsSchema: Readonly<Record<string, unknown>>;
  open(equipment: Equipment, context: DriverContext): DriverSession;
  /** Releases what sessions share (sockets, key caches). After it no session is used. */
  close(): Promise<void>;
}
