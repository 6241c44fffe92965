import type { Command } from "#model/command.ts";
import { GatewayError } from "#model/errors.ts";
import type { FlowStatus } from "#ports/flow-ground.ts";
import type { Operation } from "#ports/operations.ts";
import type { CommandDoor } from "./command-door.ts";
import type { FlowSet } from "./flow-set.ts";
import { localTabs, nodesOfTab, withoutTab } from "./local-tabs.ts";
import type { FlowNode } from "./protocol.ts";

export interface OperationParts {
  readonly set: FlowSet;
  readonly commands: CommandDoor;
  readonly status: () => FlowStatus;
  readonly restart: () => void;
  /** @returns whether the unit was quarantined */
  readonly release: (unit: string) => boolean;
  /** Makes these the technicians' nodes. */
  readonly retire: (nodes: readonly FlowNode[]) => Promise<void>;
}

const text = (description: string, maxLength: number) => ({ type: "string", description, maxLength, minLength: 1 });
const object = (properties: object, required: readonly string[] = []) => ({
  type: "object",
  additionalProperties: false,
  properties,
  required,
});
const second = 1_000;

/** What the NOC (or a technician with the scope) may order of the flows. */
export function flowOperations(parts: OperationParts): readonly Operation[] {
  return [
    {
      name: "services.list",
      risk: "read",
      summary: "Services and flows of this gateway, how they are, and the technicians' tabs",
      argumentsSchema: object({}),
      maxDurationMs: 5 * second,
      execute: async () => parts.status(),
    },
    {
      name: "flows.local",
      risk: "read",
      summary: "A technician's tab as an export: to be looked at, compared, or adopted by pushing it as a flow",
      argumentsSchema: object({ tab: text("Id of the tab; absent = the list of all", 64) }),
      maxDurationMs: 5 * second,
      execute: async (command) => localTab(parts, command),
    },
    {
      name: "flows.local.retire",
      risk: "write",
      summary: "Takes a technician's tab away",
      argumentsSchema: object({ tab: text("Id of the tab", 64) }, ["tab"]),
      maxDurationMs: 60 * second,
      execute: async (command) => {
        const tab = tabOfCommand(parts, command);
        await parts.retire(withoutTab(parts.set.local, tab));
        return { tabs: localTabs(parts.set) };
      },
    },
    {
      name: "flows.restart",
      risk: "disruptive",
      summary: "Starts the flow host anew; ends safe mode",
      argumentsSchema: object({}),
      maxDurationMs: 10 * second,
      execute: async () => {
        parts.restart();
        return {};
      },
    },
    {
      name: "flows.release",
      risk: "write",
      summary: "Tries a quarantined service, flow or tab again",
      argumentsSchema: object({ service: text("Its id; `local/TAB` for a technician's tab", 80) }, ["service"]),
      maxDurationMs: 10 * second,
      execute: async (command) => {
        const service = String(command.arguments["service"]);
        if (!parts.release(service)) throw new GatewayError("service.unknown", { message: `${service} is not quarantined` });
        return {};
      },
    },
    {
      name: "flow.command",
      risk: "write",
      summary: "Gives an order to a node `command in` of a service",
      argumentsSchema: object(
        {
          service: text("Id of the service; `local/TAB` for a technician's tab", 80),
          operation: text("Its name", 64),
          arguments: { type: "object" },
        },
        ["service", "operation"],
      ),
      maxDurationMs: 60 * second,
      execute: (command, _progress, signal) =>
        parts.commands.run(
          String(command.arguments["service"]),
          String(command.arguments["operation"]),
          command.arguments["arguments"] ?? {},
          55 * second,
          signal,
        ),
    },
  ];
}

function tabOfCommand(parts: OperationParts, command: Command): string {
  const tab = String(command.arguments["tab"]);
  if (!parts.set.local.some(({ id, type }) => id === tab && type === "tab"))
    throw new GatewayError("service.unknown", { message: `there is no technician's tab "${tab}"` });
  return tab;
}

function localTab(parts: OperationParts, command: Command): unknown {
  if (command.arguments["tab"] === undefined) return { tabs: localTabs(parts.set) };
  return { flow: nodesOfTab(parts.set.local, tabOfCommand(parts, command)) };
}
