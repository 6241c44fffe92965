import type { Command } from "#model/command.ts";
import { type ErrorCode, errorTable, GatewayError } from "#model/errors.ts";
import type { Operation } from "#ports/operations.ts";
import type { Gateway } from "../gateway.ts";

const oid = { type: "string", pattern: "^\\.?[0-2](\\.[0-9]{1,10}){1,127}$" } as const;

/** GET, walk and SET on one equipment; what is carried out is the driver's business. SET needs `settings.allowSet` there. */
export function snmpOperations(gateway: () => Gateway): readonly Operation[] {
  const execute = (command: Command, signal: AbortSignal) => onEquipment(gateway(), command, signal);
  return [
    {
      name: "snmp.get",
      risk: "read",
      summary: "Read objects of one equipment.",
      argumentsSchema: {
        type: "object",
        additionalProperties: false,
        required: ["oids"],
        properties: { oids: { type: "array", minItems: 1, maxItems: 100, items: oid } },
      },
      maxDurationMs: 60_000,
      execute: (command, _progress, signal) => execute(command, signal),
    },
    {
      name: "snmp.walk",
      risk: "read",
      summary: "Read everything below an object of one equipment.",
      argumentsSchema: {
        type: "object",
        additionalProperties: false,
        required: ["root"],
        properties: { root: oid, maxRows: { type: "integer", minimum: 1, maximum: 10_000 } },
      },
      maxDurationMs: 90_000,
      execute: (command, _progress, signal) => execute(command, signal),
    },
    {
      name: "snmp.set",
      risk: "write",
      summary: "Set objects of one equipment, all or nothing, and read them back.",
      argumentsSchema: {
        type: "object",
        additionalProperties: false,
        required: ["varbinds"],
        properties: {
          varbinds: {
            type: "array",
            minItems: 1,
            maxItems: 100,
            items: { type: "object", required: ["oid", "type"], properties: { oid, type: { type: "string" } } },
          },
        },
      },
      maxDurationMs: 60_000,
      execute: (command, _progress, signal) => execute(command, signal),
    },
  ];
}

/** @throws GatewayError what the equipment or its driver refused */
async function onEquipment(gateway: Gateway, command: Command, signal: AbortSignal): Promise<unknown> {
  if (command.equipment === undefined) throw new GatewayError("command.refused", { message: "name the equipment" });
  const result = await gateway.poller.execute(command, signal);
  if (result.status === "ok") return result.output;
  const { code = "driver.refused", message = "the equipment did not do it" } = result.error ?? {};
  throw new GatewayError(isErrorCode(code) ? code : "driver.refused", { message });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}
