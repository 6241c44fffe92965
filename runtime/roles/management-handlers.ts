import { GatewayError } from "#model/errors.ts";
import type { ConfigurationOwner } from "../configuration-owner.ts";
import type { ControlHandler } from "../host/control-server.ts";
import type { Northbound } from "../parts-northbound.ts";

const dayMs = 86_400_000;

/** What the control socket answers about being managed: the local lock, local settings, the configuration in force. */
export function managementHandlers(northbound: Northbound, owner: ConfigurationOwner): Readonly<Record<string, ControlHandler>> {
  return {
    lock: async ({ reason, by }) => northbound.lock.lock(textOf(by, "someone at the site"), textOf(reason, "")),
    unlock: async () => northbound.lock.unlock(),
    "config-effective": async () => ({ configuration: owner.running.shown, drift: owner.drift() }),
    "config-override": async ({ content, by }, signal) => {
      if (content !== undefined && (typeof content !== "object" || content === null)) {
        throw new GatewayError("command.refused", { message: "the local settings must be a mapping of options" });
      }
      const restarts = await owner.override(content, textOf(by, "someone at the site"), dayMs, signal);
      return { drift: owner.drift(), ...(restarts ? { next: "the gateway begins anew with it" } : {}) };
    },
  };
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value.slice(0, 200) : otherwise;
}
