import type { CheckType } from "#model/check.ts";
import { GatewayError } from "#model/errors.ts";
import type { AdHocCheck, Checks } from "#ports/checks.ts";
import type { ControlHandler } from "../host/control-server.ts";

/** What the control socket answers about checks. */
export function checkHandlers(checks: () => Checks | undefined): Readonly<Record<"checks" | "check-run", ControlHandler>> {
  const running = () => {
    const found = checks();
    if (found === undefined) throw new GatewayError("command.refused", { message: "this gateway runs no checks" });
    return found;
  };
  return {
    checks: async () => ({ checks: running().list() }),
    "check-run": async ({ id, type, target, timeoutMs, vantage, settings }, signal) => {
      if (typeof id === "string") return { result: await running().run(id, signal) };
      if (typeof type !== "string" || typeof target !== "string")
        throw new GatewayError("command.refused", { message: "a check needs an id, or a type and a target" });
      const check: AdHocCheck = {
        // The desk looks at what it is given; here only the shapes are told apart.
        type: type as CheckType,
        target,
        ...(typeof timeoutMs === "number" ? { timeoutMs } : {}),
        ...(typeof vantage === "string" ? { vantage } : {}),
        ...(typeof settings === "object" && settings !== null ? { settings: settings as Readonly<Record<string, unknown>> } : {}),
      };
      return { result: await running().run(check, signal) };
    },
  };
}
