import { type Command, InvalidArgumentError, Option } from "commander";
import { GatewayError } from "#model/errors.ts";
import type { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import type { AlarmView } from "../../cloud-bridge/noc/registry/alarms.ts";
import type { NocShelf } from "../../cloud-bridge/noc/store/alarms.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { renderTable } from "./render.ts";

interface Asked {
  readonly url: string;
  readonly tokenFile: string;
  readonly gateway?: string;
  readonly tenant?: string;
  readonly severity?: string;
  readonly search?: string;
  readonly all?: boolean;
  readonly incidents?: boolean;
  readonly json?: boolean;
  readonly by?: string;
  readonly equipment?: string;
  readonly type?: string;
  readonly key?: string;
  readonly for: number;
  readonly reason?: string;
}

interface ListAnswer {
  readonly alarms: readonly AlarmView[];
  readonly shelves: readonly NocShelf[];
}

type ClientOf = (options: { readonly url: string; readonly tokenFile: string }) => Promise<NocClient>;

/** `gatehouse noc alarms list|ack|close|comment|shelve|unshelve` */
export function registerAlarms(
  noc: Command,
  context: CommandContext,
  place: { readonly url: string; readonly tokenFile: string },
  clientOf: ClientOf,
): void {
  const alarms = noc
    .command("alarms")
    .description("alarms of all gateways, and what operators do with them")
    .addHelpText("after", examples("noc alarms list"));
  const order = (name: string, description: string) =>
    alarms
      .command(name)
      .description(description)
      .option("--url <url>", "address of the NOC's end", place.url)
      .option("--token-file <file>", "its API token", place.tokenFile);
  order("list", "what is wrong, most severe first")
    .option("--gateway <id>", "only this gateway")
    .option("--severity <severity>", "at least so severe: critical, major, minor, warning")
    .option("--search <words>", "only lines with these words")
    .option("--incidents", "without consequences, planned work and what is put aside")
    .option("--all", "cleared ones as well")
    .option("--json", "as JSON")
    .addHelpText("after", examples("noc alarms list --incidents", "noc alarms list --gateway gw-lisbon-01 --severity major --json"))
    .action(async (options: Asked) => list(await clientOf(options), options, context));
  for (const [name, action, description] of [
    ["ack", "acknowledge", "say that somebody looks after it"],
    ["close", "close", "end it, here and at the gateway; what is still wrong comes back as a new alarm (shelve puts aside what stays)"],
  ] as const) {
    order(`${name} <key>`, description)
      .option("--gateway <id>", "its gateway; left out: found by the key")
      .option("--by <name>", "who says so", "noc")
      .addHelpText("after", examples(`noc alarms ${name} a1:0123456789abcdef0123456789abcdef --by anna`))
      .action(async (key: string, options: Asked) => act(await clientOf(options), key, action, options, context));
  }
  order("shelve", "put alarms aside for a while")
    .requiredOption("--gateway <id>", "the gateway")
    .option("--key <key>", "this alarm")
    .option("--equipment <id>", "of this equipment; a trailing * matches the rest")
    .option("--type <type>", "of this type")
    .addOption(new Option("--for <time>", "how long (30m, 8h, 7d)").argParser(parseTime).default(28_800_000, "8h"))
    .requiredOption("--reason <text>", "why")
    .option("--by <name>", "who says so", "noc")
    .addHelpText(
      "after",
      examples("noc alarms shelve --gateway gw-lisbon-01 --equipment printer-1 --for 8h --reason 'waits for the technician'"),
    )
    .action(async (options: Asked) => shelve(await clientOf(options), options, context));
  order("unshelve <id>", "take alarms off the shelf again")
    .addHelpText("after", examples("noc alarms unshelve shelf-0123456789abcdef"))
    .action(async (id: string, options: Asked) => {
      await (await clientOf(options)).remove(`/api/alarm-shelves/${encodeURIComponent(id)}`, context.stopSignal());
      context.print("done\n");
    });
}

async function list(client: NocClient, options: Asked, context: CommandContext): Promise<void> {
  const { gateway, severity, search } = options;
  const parameters = {
    gateway,
    severity,
    search,
    incidents: options.incidents,
    state: options.all === true ? "all" : "active",
    limit: 2_000,
  };
  const answer = await client.get<ListAnswer>("/api/alarms", parameters, context.stopSignal());
  if (options.json === true) {
    context.print(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  context.print(answer.alarms.length === 0 ? "no alarm\n" : renderTable(answer.alarms.map(lineOf)));
  for (const shelf of answer.shelves)
    context.print(
      `shelf ${shelf.id}: ${shelf.gateway ?? "all gateways"} ${Object.entries(shelf.match)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ")} until ${iso(shelf.untilMs)}: ${shelf.reason}\n`,
    );
}

function lineOf(alarm: AlarmView): Readonly<Record<string, string>> {
  const marks = [
    ...[alarm.cleared ? "cleared" : "", alarm.root === null ? "" : "follows", alarm.maintenance === "" ? "" : "maintenance"],
    ...[alarm.shelved === null ? "" : "shelved", alarm.flapping ? "flapping" : "", alarm.stale ? "stale" : ""],
    ...[alarm.ack === null ? "" : `ack ${alarm.ack.by}`, alarm.closed === null ? "" : `closed ${alarm.closed.by}`],
  ];
  return {
    severity: alarm.severity,
    since: iso(alarm.raisedMs),
    gateway: alarm.gateway,
    equipment: alarm.equipment === "" ? "-" : alarm.equipment,
    resource: alarm.path,
    type: alarm.type,
    marks: marks.filter((mark) => mark !== "").join(" "),
    text: alarm.text,
    key: alarm.key,
  };
}

async function act(client: NocClient, key: string, action: string, options: Asked, context: CommandContext): Promise<void> {
  const signal = context.stopSignal();
  const { alarms } = await client.get<ListAnswer>("/api/alarms", { gateway: options.gateway, state: "all", limit: 2_000 }, signal);
  const found = alarms.filter((alarm) => alarm.key === key);
  const [alarm] = found;
  if (alarm === undefined)
    throw new GatewayError("noc.invalid", { message: "no such alarm; `gatehouse noc alarms list` shows their keys" });
  if (found.length > 1) throw new GatewayError("noc.invalid", { message: "several gateways have this alarm; name one with --gateway" });
  const path = `/api/gateways/${encodeURIComponent(alarm.gateway)}/alarms/${encodeURIComponent(key)}/${action}?tenant=${encodeURIComponent(alarm.tenant)}`;
  await client.post(path, signal, { by: options.by ?? "noc" });
  context.print("done\n");
}

async function shelve(client: NocClient, options: Asked, context: CommandContext): Promise<void> {
  const signal = context.stopSignal();
  const { gateways } = await client.get<{ readonly gateways: readonly { readonly id: string; readonly tenant: string }[] }>(
    "/api/gateways",
    {},
    signal,
  );
  const row = gateways.find((one) => one.id === options.gateway);
  if (row === undefined)
    throw new GatewayError("noc.invalid", { message: `no gateway ${options.gateway}; \`gatehouse noc devices\` lists them` });
  const { key, equipment, type, reason, by } = options;
  const shelf = await client.post<NocShelf>("/api/alarm-shelves", signal, {
    tenant: row.tenant,
    gateway: row.id,
    key,
    equipment,
    type,
    reason,
    by,
    forMs: options.for,
  });
  context.print(`${shelf.id}\n`);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function parseTime(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ""];
  if (match === null || unit === undefined) throw new InvalidArgumentError("give a time like 30m, 8h or 7d.");
  return Number(match[1]) * unit;
}
