import { GatewayError } from "#model/errors.ts";
import type { ControlHandler } from "../host/control-server.ts";
import type { Discovery } from "../southbound/discovery/discovery.ts";
import type { Poller } from "../southbound/poller.ts";

/** What the control socket answers about discovery. An accepted proposal is polled at once. */
export function discoveryHandlers(
  discovery: Discovery,
  poller: () => Poller,
): Readonly<Record<"discovery-proposals" | "discovery-topology" | "discovery-accept" | "discovery-refuse", ControlHandler>> {
  return {
    "discovery-proposals": async () => ({ proposals: discovery.proposals(), status: discovery.status() }),
    "discovery-topology": async () => ({ edges: discovery.topology() }),
    "discovery-accept": async (args) => {
      const equipment = discovery.accept(idOf(args));
      poller().add(equipment);
      return { accepted: equipment };
    },
    "discovery-refuse": async (args) => {
      const id = idOf(args);
      const before = discovery.acceptedEquipment();
      discovery.refuse(id);
      const after = new Set(discovery.acceptedEquipment().map((equipment) => equipment.id));
      // Who accepted it earlier thought better of it. What is configured by now is in neither list and goes on.
      for (const equipment of before) if (!after.has(equipment.id)) poller().remove(equipment.id);
      return { refused: id };
    },
  };
}

function idOf({ id }: Readonly<Record<string, unknown>>): string {
  if (typeof id !== "string")
    throw new GatewayError("command.refused", { message: "the id of a proposal is needed; `gatehouse proposals list` shows them" });
  return id;
}
