import type { EquipmentId } from "./equipment.ts";

/** What a synthetic check can look at; one folder of drivers/probe each. */
export const checkTypes = ["icmp", "tcp", "tls", "http", "dns", "ntp", "udp", "path"] as const;
export type CheckType = (typeof checkTypes)[number];

/** Identity of a check within its gateway: as an EquipmentId. Checks made up for one run are called `adhoc`. */
export type CheckId = string;

/** One synthetic check, as configured or made up for one run. Frozen. */
export interface CheckDefinition {
  readonly id: CheckId;
  readonly type: CheckType;
  /** Host name, address, `host:port` or URL, by type. */
  readonly target: string;
  readonly intervalMs: number;
  /** Of one run as a whole; shorter than the interval. */
  readonly timeoutMs: number;
  /** For people; absent = the id. */
  readonly name?: string;
  /** Whose check this is: where the result counts and alarms belong. Its numbers stand under `check:ID` all the same. */
  readonly equipment?: EquipmentId;
  /** Source address to measure from; absent = the system's choice. */
  readonly vantage?: string;
  /** By type, validated by the type's own schema, defaults filled in. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** How far a run came: the verdict goes by it. */
export type CheckStage = "resolve" | "connect" | "tls" | "request" | "answer" | "assertion";

/**
 * Why a check failed.
 * `timeout`: nobody answered in time · `refused`: connection refused · `unreachable`: the network says there is no way · `reset`: cut off in between ·
 * `no-such-name`: the name does not exist · `name-server`: the name server failed or is silent · `tls`: handshake failed ·
 * `certificate`: expired, not trusted, or of another name · `bad-answer`: not the protocol · `too-large`, `redirects`: a bound of ours ·
 * `assertion`: it answered, and not as it should · `loss`: packets missing.
 */
export type CheckFailureCode =
  | "timeout"
  | "refused"
  | "unreachable"
  | "reset"
  | "no-such-name"
  | "name-server"
  | "tls"
  | "certificate"
  | "bad-answer"
  | "too-large"
  | "redirects"
  | "assertion"
  | "loss";

export interface CheckFailure {
  readonly stage: CheckStage;
  readonly code: CheckFailureCode;
  /** One sentence for people, with figures; never a secret, never bytes of the answer. */
  readonly text: string;
}

/** The equipment name under which a check's numbers are reported. Configuration cannot take it: ids there have no colon. */
export function checkEquipment(id: CheckId): EquipmentId {
  return `check:${id}` as EquipmentId;
}
