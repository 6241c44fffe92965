import { type Command, InvalidArgumentError, Option } from "commander";
import { GatewayError } from "#model/errors.ts";
import type { AlarmChange } from "#model/observation.ts";
import type { Verdict } from "#model/verdict.ts";
import type { AlarmMatch, AlarmShelf, MaintenanceWindow } from "#ports/alarms.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { renderTable } from "./render.ts";
import { usageError } from "./snmp-target.ts";

interface Asked {
  readonly state: string;
  readonly equipment?: string;
  readonly type?: string;
  readonly key?: string;
  readonly path?: string;
  readonly history?: boolean;
  readonly limit: number;
  readonly json?: boolean;
  readonly for: number;
  readonly reason?: string;
  readonly id?: string;
}

interface Answer {
  readonly alarms: readonly AlarmChange[];
  readonly shelves: readonly AlarmShelf[];
  readonly maintenance: readonly MaintenanceWindow[];
  readonly verdict: Verdict;
}

/** `gatehouse alarms [--history]`, `alarms shelve|unshelve|close`, `alarms maintenance`, `alarms conditions` */
export function register(program: Command, context: CommandContext): void {
  const alarms = program
    .command("alarms")
    .description("what is wrong at the site of the running gateway, and whose fault it is")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--history", "what happened, newest first")
    .option("--equipment <id>", "only this equipment")
    .option("--limit <n>", "lines of the history", parseCount, 100)
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples("alarms", "alarms --history --equipment sw-1", "alarms shelve --equipment printer-1 --for 8h --reason 'moved'"),
    )
    .action((options: Asked) => (options.history === true ? showHistory(options, context) : showActive(options, context)));
  const order = (name: string, description: string) =>
    alarms
      .command(name)
      .description(description)
      .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
      .option("--json", "as JSON");
  const matching = (command: Command) =>
    command
      .option("--key <key>", "this alarm, by the key that `gatehouse alarms` shows")
      .option("--equipment <id>", "of this equipment; a trailing * matches the rest")
      .option("--type <type>", "of this type")
      .option("--path <path>", "of this resource; a trailing * matches the rest");
  matching(order("shelve", "put alarms aside for a while; they are kept and marked, and nobody is called"))
    .addOption(new Option("--for <time>", "how long (30m, 8h, 7d)").argParser(parseTime).default(28_800_000, "8h"))
    .requiredOption("--reason <text>", "why")
    .addHelpText("after", examples("alarms shelve --equipment printer-1 --for 8h --reason 'waits for the technician'"))
    .action((options: Asked) => actOnMatching("alarm-shelve", options, context, { untilMs: context.clock.now().wallMs + options.for }));
  order("unshelve", "take alarms off the shelf again")
    .requiredOption("--id <id>", "the shelf's id, as `gatehouse alarms` shows it")
    .addHelpText("after", examples("alarms unshelve --id 01K9ZQ3C5T4M8Y2X7W6V5B4N3M"))
    .action((options: Asked) => act("alarm-unshelve", options, context, { id: options.id }));
  matching(order("close", "end alarms by hand; what is still wrong comes back"))
    .addHelpText("after", examples("alarms close --type deviceSwapped --equipment sw-1"))
    .action((options: Asked) => actOnMatching("alarm-close", options, context, {}));
  order("maintenance", "begin planned work now, of one equipment or the whole site; or end it with --id")
    .option("--equipment <id>", "only this equipment; a trailing * matches the rest")
    .addOption(new Option("--for <time>", "how long (30m, 8h)").argParser(parseTime).default(3_600_000, "1h"))
    .option("--reason <text>", "what is done")
    .option("--id <id>", "end this window")
    .addHelpText("after", examples("alarms maintenance --equipment sw-1 --for 2h --reason 'new firmware'"))
    .action((options: Asked) => maintenance(options, context));
  order("conditions", "the conditions and rules that ship with this program")
    .addHelpText("after", examples("alarms conditions"))
    .action((options: Asked) => printShipped(options, context));
}

async function showActive(options: Asked, context: CommandContext): Promise<void> {
  const answer = (await ask("alarms", options, context, {})) as Answer;
  const alarms = answer.alarms.filter((one) => options.equipment === undefined || one.equipment === options.equipment);
  if (options.json === true) {
    context.print(`${JSON.stringify({ ...answer, alarms }, null, 2)}\n`);
    return;
  }
  const { verdict } = answer;
  // The verdict is about what many alarms have in common; a door that stands open is an alarm and nobody's fault.
  if (verdict.domain !== "none") context.print(`${verdict.domain}: ${verdict.text}\n`);
  else if (alarms.length === 0) context.print("nothing is wrong\n");
  for (const { text } of verdict.domain === "none" ? [] : verdict.evidence) context.print(`  - ${text}\n`);
  context.print(alarms.length === 0 ? "no alarm is active\n" : renderTable(alarms.map(lineOf)));
  for (const { id, match, untilMs, reason } of answer.shelves)
    context.print(`shelf ${id}: ${matchText(match)} until ${new Date(untilMs).toISOString()}: ${reason}\n`);
  for (const { id, match, toMs, reason } of answer.maintenance)
    context.print(
      `maintenance ${id}: ${match === undefined ? "the whole site" : matchText(match)} until ${new Date(toMs).toISOString()}: ${reason}\n`,
    );
}

async function showHistory(options: Asked, context: CommandContext): Promise<void> {
  const args = { equipment: options.equipment, limit: options.limit };
  const { changes } = (await ask("alarm-history", options, context, args)) as { readonly changes: readonly AlarmChange[] };
  if (options.json === true) context.print(`${JSON.stringify(changes, null, 2)}\n`);
  else if (changes.length === 0) context.print("nothing happened yet\n");
  else
    context.print(
      renderTable(changes.map((change) => ({ at: new Date(change.observedAt.wallMs).toISOString(), op: change.op, ...lineOf(change) }))),
    );
}

function matchText(match: AlarmMatch): string {
  return Object.entries(match)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function lineOf(change: AlarmChange): Readonly<Record<string, string>> {
  const { root, maint, shelved, flap } = change.attributes;
  const marks = [root === undefined ? "" : "follows", maint === undefined ? "" : "maintenance", shelved === undefined ? "" : "shelved"];
  return {
    severity: change.severity,
    since: new Date(change.raisedAt.wallMs).toISOString(),
    equipment: change.equipment ?? "-",
    resource: change.path,
    type: change.type,
    marks: [...marks, flap === undefined ? "" : "flapping"].filter((mark) => mark !== "").join(" "),
    text: change.text,
    key: change.key,
  };
}

async function maintenance(options: Asked, context: CommandContext): Promise<void> {
  if (options.id !== undefined) return act("maintenance-end", options, context, { id: options.id });
  const fromMs = context.clock.now().wallMs;
  return act("maintenance-start", options, context, { fromMs, toMs: fromMs + options.for });
}

/** @throws GatewayError command.refused when no active alarm is meant: a wrong key would otherwise look done */
async function actOnMatching(
  operation: string,
  options: Asked,
  context: CommandContext,
  args: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { key, equipment, type, path } = options;
  if (key === undefined && equipment === undefined && type === undefined && path === undefined)
    throw usageError(context, "which alarms? Give --key, --equipment, --type or --path");
  return act(operation, options, context, args);
}

async function act(operation: string, options: Asked, context: CommandContext, args: Readonly<Record<string, unknown>>): Promise<void> {
  const { key, equipment, type, path, reason } = options;
  const answer = (await ask(operation, options, context, { key, equipment, type, path, reason, by: "site", ...args })) as Record<
    string,
    unknown
  >;
  if (answer.closed === 0)
    throw new GatewayError("command.refused", { message: "no active alarm is meant; `gatehouse alarms` lists them" });
  if (answer.done === false) throw new GatewayError("command.refused", { message: "there is none with this id" });
  if (options.json === true) context.print(`${JSON.stringify(answer, null, 2)}\n`);
  else if (typeof answer.id === "string") context.print(`${answer.id}\n`);
  else context.print(typeof answer.closed === "number" ? `${answer.closed} closed\n` : "done\n");
}

async function ask(operation: string, options: Asked, context: CommandContext, args: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { requestControl } = await import("../host/control-client.ts");
  return requestControl({ folder: options.state, clock: context.clock, timeoutMs: 20_000, operation, arguments: args });
}

async function printShipped({ json }: Asked, context: CommandContext): Promise<void> {
  const { defaultConditions } = await import("../alarms/conditions/defaults.ts");
  const { defaultNotificationRules } = await import("../alarms/watch/notification-rules.ts");
  const rows = [
    ...defaultConditions.map(({ name, kind, alarm, text }) => ({ name, kind, alarm, text })),
    ...defaultNotificationRules.map(({ name, on, alarm, text }) => ({ name, kind: on, alarm, text: text ?? "" })),
  ];
  context.print(json === true ? `${JSON.stringify(rows, null, 2)}\n` : renderTable(rows));
}

function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000) throw new InvalidArgumentError("give a number from 1 to 1000.");
  return value;
}

function parseTime(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ""];
  if (match === null || unit === undefined) throw new InvalidArgumentError("give a time like 30m, 8h or 7d.");
  return Number(match[1]) * unit;
}
