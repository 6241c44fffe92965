import type { SignedCommand } from "#model/authority.ts";
import type { Command, CommandResult } from "#model/command.ts";
import { isEquipmentId } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";

const maxOutputBytes = 786_432;

/** undefined = it names equipment by what is no name: never carried out on something else instead. */
export function commandOf(signed: SignedCommand): Command | undefined {
  const { id, op, risk, dev: equipment, args } = signed;
  if (equipment !== undefined && !isEquipmentId(equipment)) return undefined;
  return { id, operation: op, risk, arguments: args ?? {}, ...(equipment === undefined ? {} : { equipment }) };
}

export function isSame(one: Command, other: Command): boolean {
  return (
    one.operation === other.operation &&
    one.risk === other.risk &&
    one.equipment === other.equipment &&
    JSON.stringify(one.arguments) === JSON.stringify(other.arguments)
  );
}

export function failed(id: string, error: GatewayError): CommandResult {
  const isDenied = error.code === "command.refused" || error.code === "command.locked" || error.code === "command.busy";
  return {
    id,
    status: isDenied ? "denied" : "error",
    error: { code: error.code, message: error.message.slice(0, 1_000), retryable: error.retryable },
  };
}

/** @throws GatewayError driver.limit */
export function bounded(output: unknown): unknown {
  const text = JSON.stringify(output) ?? "null";
  if (text.length <= maxOutputBytes) return JSON.parse(text) as unknown;
  throw new GatewayError("driver.limit", { message: `the result has more than ${maxOutputBytes} bytes; ask for less` });
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : typeof error;
}
