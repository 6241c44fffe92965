import { type Command, InvalidArgumentError } from "commander";
import type { HistoryPoint, HistorySeries, UndatedReports } from "#ports/history.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

interface Asked {
  readonly state: string;
  readonly equipment?: string;
  readonly table?: string;
  readonly row?: string;
  readonly metric?: string;
  readonly last: number;
  readonly json?: boolean;
}

/** `gatehouse history [--equipment ID] [--metric NAME ...]`: what the site itself remembers. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("history")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--equipment <id>", "only this equipment")
    .option("--metric <name>", "show the points of this metric; left out: list the series")
    .option("--table <name>", "table of the metric, where several have it")
    .option("--row <key>", "row of the table, where it has several")
    .option("--last <time>", "how far back (30m, 24h, 90d)", parseTime, 86_400_000)
    .option("--json", "as JSON")
    .description("what the running gateway remembers: its series, or the points of one; gaps stay gaps")
    .addHelpText("after", examples("history", "history --equipment sw-1 --metric ifHCInOctets --row Gi1/0/1 --last 6h"))
    .action((options: Asked) => show(options, context));
}

async function show(options: Asked, context: CommandContext): Promise<void> {
  const { requestControl } = await import("../host/control-client.ts");
  const call = { folder: options.state, clock: context.clock, timeoutMs: 20_000 };
  if (options.metric === undefined) {
    const answer = (await requestControl({ ...call, operation: "history-series", arguments: { equipment: options.equipment } })) as {
      readonly series: readonly HistorySeries[];
      readonly undated?: UndatedReports;
    };
    if (options.json === true) {
      context.print(`${JSON.stringify(answer, null, 2)}\n`);
      return;
    }
    if (answer.series.length === 0)
      context.say(options.equipment === undefined ? "nothing is remembered yet\n" : `nothing is remembered of ${options.equipment}\n`);
    for (const one of answer.series)
      context.print(`${one.equipment}  ${one.table}  ${one.metric}  ${one.rowKey}  ${one.kind}  ${one.unit}\n`);
    sayUndated(answer.undated, context);
    return;
  }
  const toMs = context.clock.now().wallMs;
  const { equipment, table, row, metric } = options;
  const answer = (await requestControl({
    ...call,
    operation: "history-read",
    arguments: { equipment, table, row, metric, fromMs: toMs - options.last, toMs },
  })) as {
    readonly series: HistorySeries;
    readonly resolutionMs: number;
    readonly points: readonly HistoryPoint[];
    readonly undated?: UndatedReports;
  };
  if (options.json === true) {
    context.print(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  const unit = answer.series.kind === "counter" ? `${answer.series.unit}/s` : answer.series.unit;
  context.print(
    `${answer.series.equipment} ${answer.series.metric} ${answer.series.rowKey} in ${unit}, every ${answer.resolutionMs / 1_000} s (UTC)\n`,
  );
  for (const point of answer.points) {
    context.print(
      `${new Date(point.atMs).toISOString()}  min ${number(point.min)}  avg ${number(point.avg)}  max ${number(point.max)}  last ${number(point.last)}\n`,
    );
  }
  if (answer.points.length === 0) context.say("nothing is remembered of that time\n");
  sayUndated(answer.undated, context);
}

function sayUndated(undated: UndatedReports | undefined, context: CommandContext): void {
  if (undated !== undefined) context.say(`${undated.text}\n`);
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(6);
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function parseTime(text: string): number {
  const match = /^(\d{1,6})(m|h|d)$/.exec(text);
  const unit = unitMs[match?.[2] ?? ""];
  if (match === null || unit === undefined) throw new InvalidArgumentError("Expected a number and a unit, like 30m, 24h or 90d.");
  return Number(match[1]) * unit;
}
