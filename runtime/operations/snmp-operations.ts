import type { Command } from "#model/command.ts";
import { type ErrorCode, errorTable, GatewayError } from "#model/errors.ts";
import type { Operation } from "#ports/operations.ts";
import type { SecretOpener } from "#ports/secret-opener.ts";
import type { Gateway } from "../gateway.ts";
import { objectsOf, openedOrder, rememberedOrder, rememberedRecord } from "./varbind-orders.ts";

/** As `gatehouse noc secret seal` prints it. */
const sealedValue = {
  type: "object",
  additionalProperties: false,
  required: ["$sealed"],
  properties: { $sealed: { type: "string", minLength: 1, maxLength: 32_768 } },
} as const;
const oid = { type: "string", pattern: "^\\.?[0-2](\\.[0-9]{1,10}){1,127}$" } as const;

/**
 * GET, walk and SET on one equipment; what is carried out is the driver's business. SET needs `settings.allowSet` there; text that it writes
 * is taken for a secret unless the order says otherwise, and stands in no journal and no answer.
 */
export function snmpOperations(gateway: () => Gateway, opener: SecretOpener | undefined): readonly Operation[] {
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
            items: {
              type: "object",
              required: ["oid", "type"],
              properties: {
                oid,
                type: { type: "string" },
                value: { anyOf: [{ type: ["string", "number"] }, sealedValue] },
                secret: { type: "boolean", description: "Whether the value stays out of journals and answers; left out: text does." },
              },
            },
          },
        },
      },
      maxDurationMs: 60_000,
      remembered: { arguments: rememberedOrder, output: rememberedRecord, about: objectsOf },
      execute: async (command, _progress, signal) =>
        execute({ ...command, arguments: await openedOrder(command.arguments, opener) }, signal),
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
