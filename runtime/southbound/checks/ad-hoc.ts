import { type CheckDefinition, checkTypes } from "#model/check.ts";
import { GatewayError } from "#model/errors.ts";
import type { AdHocCheck, CheckRules } from "#ports/checks.ts";

const standardTimeoutMs = 10_000;
const maxTimeoutMs = 120_000;
/** One run has no interval; this one makes no rule complain. */
const noIntervalMs = 86_400_000;

/** Makes a definition of what somebody made up. @throws GatewayError command.refused with everything that is wrong with it */
export function adHocDefinition(check: AdHocCheck, rules: CheckRules): CheckDefinition {
  const problems: string[] = [];
  const { type, target, timeoutMs = standardTimeoutMs, vantage } = check;
  if (!checkTypes.includes(type)) throw refused([`unknown type; known: ${checkTypes.join(", ")}`]);
  if (typeof target !== "string" || target.length > 2_048) throw refused(["target must be text"]);
  if (!(timeoutMs >= 100 && timeoutMs <= maxTimeoutMs)) problems.push(`timeoutMs must be 100 to ${maxTimeoutMs}`);
  const settings = structuredClone(check.settings ?? {});
  const { validate } = rules.settings(type);
  if (!validate(settings)) {
    const found = (validate.errors ?? []).slice(0, 20);
    throw refused([
      ...problems,
      ...found.map(({ instancePath, message, params }) => `settings${instancePath} ${message ?? "is not valid"}${named(params)}`),
    ]);
  }
  // Who makes a check up also chooses whom it talks to; a secret of the configuration must not follow.
  if ("credential" in settings) problems.push("settings.credential is only for configured checks");
  const definition: CheckDefinition = {
    id: "adhoc",
    type,
    target,
    timeoutMs,
    intervalMs: noIntervalMs,
    settings,
    ...(vantage === undefined ? {} : { vantage }),
  };
  problems.push(
    ...[...rules.basics(definition), ...rules.problems(definition)].map(
      ({ pointer, sentence }) => `${pointer.slice(1).replaceAll("/", ".")} ${sentence}`,
    ),
  );
  if (problems.length > 0) throw refused(problems);
  return Object.freeze(definition);
}

function named(params: Readonly<Record<string, unknown>>): string {
  return typeof params.additionalProperty === "string" ? ` (${params.additionalProperty.slice(0, 64)})` : "";
}

function refused(problems: readonly string[]): GatewayError {
  return new GatewayError("command.refused", { message: `the check makes no sense: ${problems.join("; ")}` });
}
