import type { Operation } from "#ports/operations.ts";
import type { Gateway } from "../gateway.ts";
import type { Discovery } from "../southbound/discovery/discovery.ts";

const id = { type: "string", minLength: 1, maxLength: 128 } as const;
const one = { type: "object", additionalProperties: false, required: ["id"], properties: { id } } as const;
const nothing = { type: "object", additionalProperties: false } as const;

/** What discovery found, and what is to become of it. It looks at the subnets that the configuration enables, and at no others. */
export function discoveryOperations(parts: { readonly discovery: Discovery; readonly gateway: () => Gateway }): readonly Operation[] {
  const { discovery, gateway } = parts;
  return [
    {
      name: "discovery.proposals",
      risk: "read",
      summary: "Equipment that was found and is not monitored yet.",
      argumentsSchema: nothing,
      maxDurationMs: 10_000,
      execute: async () => ({ proposals: discovery.proposals().slice(0, 500), status: discovery.status() }),
    },
    {
      name: "discovery.topology",
      risk: "read",
      summary: "What is connected to what, as far as it is known.",
      argumentsSchema: nothing,
      maxDurationMs: 10_000,
      execute: async () => ({ edges: discovery.topology().slice(0, 2_000) }),
    },
    {
      name: "discovery.accept",
      risk: "write",
      summary: "Monitor a proposed equipment from now on.",
      argumentsSchema: one,
      maxDurationMs: 10_000,
      execute: async (command) => {
        const equipment = discovery.accept(String(command.arguments.id));
        gateway().poller.add(equipment);
        return { accepted: equipment };
      },
    },
    {
      name: "discovery.refuse",
      risk: "write",
      summary: "Do not propose this equipment again.",
      argumentsSchema: one,
      maxDurationMs: 10_000,
      execute: async (command) => {
        discovery.refuse(String(command.arguments.id));
        return { refused: command.arguments.id };
      },
    },
  ];
}
