import type { Command } from "#model/command.ts";
import { GatewayError } from "#model/errors.ts";
import type { EditorTunnel } from "#ports/editor.ts";
import type { FlowStatus } from "#ports/flow-ground.ts";
import type { Operation } from "#ports/operations.ts";
import type { CommandDoor } from "./command-door.ts";
import type { FlowSet } from "./flow-set.ts";
import { localTabs, nodesOfTab, withoutTab } from "./local-tabs.ts";
import type { FlowNode } from "./protocol.ts";

export interface OperationParts {
  readonly tunnel: EditorTunnel;
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
const maxPlaces = 200;

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
      summary:
        "A technician's tab as an export: to be looked at, compared, or adopted by pushing it as a flow. Credentials and what looks like a secret are masked",
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
    ...editorOperations(parts.tunnel),
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

/** The remote editor is opened by a signed command like everything else; its frames alone open nothing. */
function editorOperations(tunnel: EditorTunnel): readonly Operation[] {
  const session = text("Id of the session, made by the NOC: 8 to 40 of a-z, 0-9 and -", 40);
  return [
    {
      name: "editor.open",
      risk: "write",
      summary: "Opens the flow editor for one person at the NOC; answers with its token",
      argumentsSchema: object(
        {
          session,
          person: text("Who", 128),
          scope: { enum: ["flows.read", "flows.write"] },
          ttlMs: { type: "integer", minimum: 60_000, maximum: 28_800_000 },
        },
        ["session", "person", "scope"],
      ),
      maxDurationMs: 30 * second,
      execute: async (command, _progress, signal) => {
        const { arguments: args } = command;
        const scope = args["scope"] === "flows.write" ? "flows.write" : "flows.read";
        const who = { person: `noc:${String(args["person"])}`.slice(0, 128), scope } as const;
        return tunnel.openSession({ id: String(args["session"]), who, ttlMs: Number(args["ttlMs"] ?? 3_600_000) }, signal);
      },
    },
    {
      name: "editor.close",
      risk: "write",
      summary: "Ends a remote editor",
      argumentsSchema: object({ session }, ["session"]),
      maxDurationMs: 5 * second,
      execute: async (command) => {
        tunnel.closeSession(String(command.arguments["session"]));
        return {};
      },
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
  const { nodes, places } = parts.set.masked;
  const flow = nodesOfTab(nodes, tabOfCommand(parts, command));
  const ids = new Set(flow.map(({ id }) => id));
  const masked = places.filter((place) => ids.has(place.slice(0, place.lastIndexOf("/")))).slice(0, maxPlaces);
  return masked.length === 0 ? { flow } : { flow, masked };
}
