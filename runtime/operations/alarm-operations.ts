import type { Command } from "#model/command.ts";
import { GatewayError } from "#model/errors.ts";
import type { AlarmMatch, Alarms } from "#ports/alarms.ts";
import type { Clock } from "#ports/clock.ts";
import type { Operation } from "#ports/operations.ts";

/** The alarm list, and how a person ends what it holds. */
export interface AlarmsForOperations {
  readonly list: Alarms;
  closeByPerson(match: AlarmMatch, by: string): number;
}

const short = { type: "string", minLength: 1, maxLength: 256 } as const;
const match = {
  type: "object",
  additionalProperties: false,
  minProperties: 1,
  properties: { key: short, equipment: short, type: short, path: short },
} as const;
const said = { reason: { type: "string", maxLength: 512 }, by: { type: "string", maxLength: 128 } } as const;
const time = { type: "integer", minimum: 0, maximum: 7_258_118_400_000 } as const;
const maxDurationMs = 10_000;

/** What operators order about alarms. None of it touches equipment; all of it outlives a restart. */
export function alarmOperations(alarms: () => AlarmsForOperations, clock: Clock): readonly Operation[] {
  const list = () => alarms().list;
  return [
    {
      ...{ name: "alarm.shelve", risk: "write", summary: "Put alarms aside for a while.", maxDurationMs },
      argumentsSchema: schema(["match", "untilMs"], { match, untilMs: time, ...said }),
      execute: async (command) => list().shelve({ match: matchOf(command), untilMs: numberOf(command, "untilMs"), ...words(command) }),
    },
    {
      ...{ name: "alarm.unshelve", risk: "write", summary: "Take alarms off the shelf again.", maxDurationMs },
      argumentsSchema: schema([], { id: short, match }),
      execute: async (command) => ({ removed: unshelve(list(), command) }),
    },
    {
      ...{ name: "alarm.close", risk: "write", summary: "End alarms by hand; what is still wrong comes back as a new one.", maxDurationMs },
      argumentsSchema: schema([], { key: short, match, by: said.by }),
      execute: async (command) => ({ closed: alarms().closeByPerson(matchOf(command), words(command).by) }),
    },
    {
      ...{ name: "maintenance.start", risk: "write", summary: "Begin planned work, of some equipment or the whole site.", maxDurationMs },
      argumentsSchema: schema(["toMs"], { match, fromMs: time, toMs: time, ...said }),
      execute: async (command) => {
        const meant = command.arguments["match"] === undefined ? {} : { match: matchOf(command) };
        const fromMs = command.arguments["fromMs"];
        const begin = typeof fromMs === "number" ? fromMs : clock.now().wallMs;
        return list().startMaintenance({ ...meant, ...words(command), fromMs: begin, toMs: numberOf(command, "toMs") });
      },
    },
    {
      ...{ name: "maintenance.end", risk: "write", summary: "End planned work.", maxDurationMs },
      argumentsSchema: schema(["id"], { id: short }),
      execute: async (command) => {
        if (!list().endMaintenance(String(command.arguments["id"])))
          throw new GatewayError("command.refused", { message: "there is no such window" });
        return { done: true };
      },
    },
  ];
}

function unshelve(list: Alarms, command: Command): number {
  const { id } = command.arguments;
  if (typeof id === "string") return list.unshelve(id) ? 1 : 0;
  const wanted = JSON.stringify(sorted(matchOf(command)));
  return list.shelves().filter((shelf) => JSON.stringify(sorted(shelf.match)) === wanted && list.unshelve(shelf.id)).length;
}

function schema(required: readonly string[], properties: object): Readonly<Record<string, unknown>> {
  return { type: "object", additionalProperties: false, required, properties };
}

/** Arguments were checked against the schema. */
function matchOf(command: Command): AlarmMatch {
  const { match: given, key } = command.arguments;
  if (typeof key === "string") return { key };
  return typeof given === "object" && given !== null ? (given as AlarmMatch) : {};
}

function words(command: Command): { readonly reason: string; readonly by: string } {
  const { reason, by } = command.arguments;
  return { reason: typeof reason === "string" ? reason : "", by: typeof by === "string" && by !== "" ? by : "noc" };
}

function numberOf(command: Command, name: string): number {
  return Number(command.arguments[name]);
}

function sorted(object: AlarmMatch): AlarmMatch {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
