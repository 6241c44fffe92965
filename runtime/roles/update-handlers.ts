import { GatewayError } from "#model/errors.ts";
import type { Updater } from "#ports/updater.ts";
import type { ControlHandler } from "../host/control-server.ts";

/** `gatehouse update`: what is going on, and a version that a person at the gateway wants. */
export function updateHandlers(updater: () => Updater | undefined): Readonly<Record<string, ControlHandler>> {
  const there = (): Updater => {
    const found = updater();
    if (found === undefined) throw new GatewayError("update.refused", { message: "this gateway has no update.url in its configuration" });
    return found;
  };
  return {
    "update-status": async () => there().current(),
    "update-request": async ({ version, allowOlder }, signal) => {
      if (typeof version !== "string" || !/^\d{1,6}(\.\d{1,6}){2}(-[0-9a-z.-]{1,40})?$/.test(version))
        throw new GatewayError("update.refused", { message: "a version looks like 1.4.0" });
      return there().request({ version }, { allowOlder: allowOlder === true }, signal);
    },
    "update-cancel": async () => there().cancel(),
  };
}
