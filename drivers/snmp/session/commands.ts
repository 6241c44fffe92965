import type { Command, CommandResult } from "#model/command.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { SnmpSession, SnmpType, Varbind } from "#ports/snmp.ts";
import { hex, octetsAsText } from "../conversions/label-text.ts";
import type { SnmpSettings } from "../settings.ts";

export interface CommandParts {
  readonly session: SnmpSession;
  readonly clock: Clock;
  readonly settings: SnmpSettings;
}

const maxOids = 100;
const defaultWalkRows = 1_000;
const maxWalkRows = 10_000;
const walkTimeMs = 60_000;
const oidPattern = /^[0-2](\.\d{1,10}){1,127}$/;

/**
 * Carries out `snmp.get`, `snmp.walk` and `snmp.set`. The caller has checked who may order what; here only what the equipment's
 * settings allow. Never throws for what the world does: the result says it.
 */
export async function executeCommand(command: Command, parts: CommandParts, signal: AbortSignal): Promise<CommandResult> {
  try {
    return { id: command.id, ...(await run(command, parts, signal)) };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const status = error.code === "command.refused" ? "denied" : "error";
    return { id: command.id, status, error: { code: error.code, message: error.message, retryable: error.retryable } };
  }
}

type Outcome = Omit<CommandResult, "id">;

function run(command: Command, parts: CommandParts, signal: AbortSignal): Promise<Outcome> {
  switch (command.operation) {
    case "snmp.get":
      return get(oidsOf(command.arguments.oids), parts, signal);
    case "snmp.walk":
      return walk(oidOf(command.arguments.root), rowsOf(command.arguments.maxRows), parts, signal);
    case "snmp.set":
      return set(varbindsOf(command.arguments.varbinds), parts, signal);
    default:
      throw refused(`the snmp driver does not know the operation ${command.operation.slice(0, 64)}`);
  }
}

async function get(oids: readonly string[], { session }: CommandParts, signal: AbortSignal): Promise<Outcome> {
  return { status: "ok", output: { varbinds: (await session.get(oids, signal)).map(jsonOf) } };
}

async function walk(root: string, maxRows: number, { session, clock }: CommandParts, signal: AbortSignal): Promise<Outcome> {
  const varbinds: unknown[] = [];
  const limits = { maxRows, maxRequests: maxRows + 16, deadlineMs: clock.monotonicMs() + walkTimeMs };
  try {
    for await (const batch of session.walk(root, limits, signal)) varbinds.push(...batch.map(jsonOf));
    return { status: "ok", output: { varbinds, complete: true } };
  } catch (error) {
    if (!isGatewayError(error) || error.code !== "driver.limit") throw error;
    return { status: "ok", output: { varbinds, complete: false } };
  }
}

/** Reads, sets, reads back: the record says what was, what was ordered and what is now. */
async function set(varbinds: readonly Varbind[], { session, settings, clock }: CommandParts, signal: AbortSignal): Promise<Outcome> {
  if (!settings.allowSet) throw refused("SNMP SET is switched off for this equipment (settings.allowSet)");
  const oids = varbinds.map((varbind) => varbind.oid);
  const before = await session.get(oids, signal);
  await session.set(varbinds, signal);
  const after = await session.get(oids, signal);
  const confirmed = varbinds.every((varbind, position) => sameValue(varbind, after[position]));
  const audit = {
    before: before.map(jsonOf),
    ordered: varbinds.map(jsonOf),
    after: after.map(jsonOf),
    confirmed,
    atMs: clock.now().wallMs,
  };
  if (confirmed) return { status: "ok", output: audit };
  const error = { code: "driver.refused", message: "the equipment accepted the SET, but reads back another value", retryable: false };
  return { status: "error", output: audit, error };
}

function sameValue(ordered: Varbind, now: Varbind | undefined): boolean {
  if (ordered.value instanceof Uint8Array) return now?.value instanceof Uint8Array && Buffer.compare(ordered.value, now.value) === 0;
  return now !== undefined && String(ordered.value) === String(now.value);
}

function jsonOf({ oid, type, value }: Varbind): unknown {
  if (value instanceof Uint8Array) return { oid, type, hex: hex(value), text: octetsAsText(value, hex) };
  if (typeof value === "bigint") return { oid, type, value: value.toString() };
  return value === undefined ? { oid, type } : { oid, type, value };
}

function oidOf(value: unknown): string {
  if (typeof value !== "string") throw refused("an OID must be a string");
  const oid = value.replace(/^\./, "");
  if (!oidPattern.test(oid)) throw refused("not an OID");
  return oid;
}

function oidsOf(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxOids) throw refused(`oids must be a list of 1 to ${maxOids} OIDs`);
  return value.map(oidOf);
}

function rowsOf(value: unknown): number {
  if (value === undefined) return defaultWalkRows;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > maxWalkRows) {
    throw refused(`maxRows must be an integer of 1 to ${maxWalkRows}`);
  }
  return value;
}

const numberTypes: readonly SnmpType[] = ["integer", "gauge32", "counter32", "timeticks"];
const stringTypes: readonly SnmpType[] = ["oid", "ip-address"];

function varbindsOf(value: unknown): readonly Varbind[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxOids) throw refused(`varbinds must be a list of 1 to ${maxOids}`);
  return value.map(varbindOf);
}

function varbindOf(entry: unknown): Varbind {
  if (typeof entry !== "object" || entry === null) throw refused("a varbind must be an object with oid, type and value");
  const { oid, type, value, hex: octets } = entry as { readonly [name: string]: unknown };
  const target = oidOf(oid);
  const known = [...numberTypes, ...stringTypes, "octet-string" as const].find((candidate) => candidate === type);
  if (known === undefined)
    throw refused("the type of a varbind must be one of integer, gauge32, counter32, timeticks, oid, ip-address, octet-string");
  if (numberTypes.includes(known) && typeof value === "number" && Number.isInteger(value)) return { oid: target, type: known, value };
  if (stringTypes.includes(known) && typeof value === "string") return { oid: target, type: known, value };
  if (known === "octet-string" && typeof octets === "string" && /^([0-9a-f]{2})*$/i.test(octets)) {
    return { oid: target, type: known, value: new Uint8Array(Buffer.from(octets, "hex")) };
  }
  if (known === "octet-string" && typeof value === "string") return { oid: target, type: known, value: new TextEncoder().encode(value) };
  throw refused(`the value does not fit the type ${known}`);
}

function refused(message: string): GatewayError {
  return new GatewayError("command.refused", { message });
}
