import type { EquipmentId } from "./equipment.ts";

/** An order for the gateway or one equipment, already authorised (PROTOCOL 4.4). */
export interface Command {
  /** ULID; executed at most once, restarts included. */
  readonly id: string;
  /** `snmp.get`, `snmp.set`, `poll.now`, ... */
  readonly operation: string;
  readonly equipment?: EquipmentId;
  readonly risk: "read" | "write" | "disruptive" | "destructive";
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface CommandResult {
  readonly id: string;
  readonly status: "ok" | "error" | "denied" | "expired";
  /** JSON values only. */
  readonly output?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean };
}
