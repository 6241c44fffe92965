import { type CheckType, checkTypes } from "#model/check.ts";
import { GatewayError } from "#model/errors.ts";
import type { AdHocCheck, Checks } from "#ports/checks.ts";
import type { Operation } from "#ports/operations.ts";

const maxListed = 1_000;
/** A run's own longest time-out, and some air. */
const maxRunMs = 125_000;
const nothing = { type: "object", additionalProperties: false } as const;
const byId = {
  type: "object",
  additionalProperties: false,
  required: ["id"],
  properties: { id: { type: "string", minLength: 1, maxLength: 56 } },
} as const;
const madeUp = {
  type: "object",
  additionalProperties: false,
  required: ["type", "target"],
  properties: {
    type: { enum: [...checkTypes] },
    target: { type: "string", minLength: 1, maxLength: 2_048 },
    timeoutMs: { type: "integer", minimum: 100, maximum: 120_000 },
    vantage: { type: "string", maxLength: 45 },
    settings: { type: "object", maxProperties: 64 },
  },
} as const;

/** Checks on the NOC's order: those of the configuration, and ones made up for the moment, all within the checks' budget. */
export function checkOperations(gateway: () => { readonly checks: Checks | undefined }): readonly Operation[] {
  const checks = () => {
    const found = gateway().checks;
    if (found === undefined) throw new GatewayError("command.refused", { message: "this gateway runs no checks" });
    return found;
  };
  return [
    {
      name: "check.list",
      risk: "read",
      summary: "Checks of this gateway and how they stand.",
      argumentsSchema: nothing,
      maxDurationMs: 10_000,
      execute: async () => ({
        checks: checks()
          .list()
          .slice(0, maxListed)
          .map(({ definition: { id, type, target }, state, sinceMs, runs, failures, last }) => {
            return { id, type, target, state, sinceMs, runs, failures, why: last?.failure?.text };
          }),
      }),
    },
    {
      name: "check.run",
      risk: "read",
      summary: "Run a configured check now, besides its grid.",
      argumentsSchema: byId,
      maxDurationMs: maxRunMs,
      execute: async (command, _progress, signal) => ({ ...(await checks().run(String(command.arguments.id), signal)) }),
    },
    {
      name: "check.try",
      risk: "write",
      summary: "Run a check made up for the moment, from this site to whatever target; credentials cannot be used.",
      argumentsSchema: madeUp,
      maxDurationMs: maxRunMs,
      execute: async ({ arguments: given }, _progress, signal) => ({ ...(await checks().run(asked(given), signal)) }),
    },
  ];
}

/** The desk has checked the arguments against the schema above. */
function asked({ type, target, timeoutMs, vantage, settings }: Readonly<Record<string, unknown>>): AdHocCheck {
  return {
    type: type as CheckType,
    target: String(target),
    ...(typeof timeoutMs === "number" ? { timeoutMs } : {}),
    ...(typeof vantage === "string" ? { vantage } : {}),
    ...(typeof settings === "object" && settings !== null ? { settings: settings as Readonly<Record<string, unknown>> } : {}),
  };
}
