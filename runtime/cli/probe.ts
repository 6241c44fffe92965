import { type Command, InvalidArgumentError } from "commander";
import { type CheckType, checkTypes } from "#model/check.ts";
import type { CheckResult } from "#model/observation.ts";
import type { AdHocCheck, CheckStatus } from "#ports/checks.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { usageError } from "./snmp-target.ts";

/** Room for the answer of a gateway that waits for the check's own time. */
const answerMs = 5_000;

interface RunOptions {
  readonly timeout: number;
  readonly from?: string;
  readonly set: readonly string[];
  readonly settings?: string;
  readonly json?: boolean;
}

/** `gatehouse probe run|once|list|respond` */
export function register(program: Command, context: CommandContext): void {
  const probe = program
    .command("probe")
    .description("synthetic checks: try one by hand, list the running gateway's, answer udp checks")
    .addHelpText("after", examples("probe run icmp 192.168.1.1", "probe list", "probe respond"));
  probe
    .command("run")
    .argument("<type>", checkTypes.join(", "), parseType)
    .argument("<target>", "host, host:port or URL, by type")
    .option("--timeout <ms>", "time for the whole run, milliseconds", parseNumber, 10_000)
    .option("--from <address>", "source address to measure from")
    .option("--set <key=value>", "a setting of the type, repeatable; the value as JSON or text, as in --set packets=10", collect, [])
    .option("--settings <json>", "all settings at once, as JSON")
    .option("--json", "as JSON")
    .description("run one check from this machine and show its phases and evidence; no gateway needed")
    .addHelpText(
      "after",
      examples(
        "probe run icmp 192.168.1.1 --set packets=10",
        'probe run http https://www.example.net/ --set \'expect={"contains":["Welcome"]}\'',
        "probe run dns www.example.net --set server=192.168.1.1 --set type=AAAA",
        "probe run udp branch.example.net:8442 --set packets=200 --timeout 20000",
        "probe run tls mail.example.net:993 --json",
      ),
    )
    .action((type: CheckType, target: string, options: RunOptions) => runByHand({ type, target }, options, context));
  probe
    .command("now")
    .argument("<id>", "id of a check of the configuration")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--json", "as JSON")
    .description("have the running gateway run one of its checks now, within its budgets")
    .addHelpText("after", examples("probe now web-shop"))
    .action((id: string, options: { state: string; json?: boolean }) => runNow(id, options, context));
  probe
    .command("list")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--json", "as JSON")
    .description("the running gateway's checks and how they stand")
    .addHelpText("after", examples("probe list", "probe list --json"))
    .action((options: { state: string; json?: boolean }) => list(options, context));
  probe
    .command("respond")
    .option("--host <address>", "address to listen on", "0.0.0.0")
    .option("--port <port>", "UDP port", parseNumber, 8442)
    .option("--rate <packets>", "answers per second to one source", parseNumber, 200)
    .description("answer udp checks of other gateways; never more or longer answers than questions")
    .addHelpText("after", examples("probe respond", "probe respond --host 192.168.1.10 --port 9000"))
    .action((options: { host: string; port: number; rate: number }) => respond(options, context));
}

async function runByHand(asked: { type: CheckType; target: string }, options: RunOptions, context: CommandContext): Promise<void> {
  const { probeOnce } = await import("../roles/probe-once.ts");
  const check: AdHocCheck = {
    ...asked,
    timeoutMs: options.timeout,
    settings: settingsOf(options, context),
    ...(options.from === undefined ? {} : { vantage: options.from }),
  };
  const startedMs = context.clock.monotonicMs();
  const { result, traffic } = await probeOnce(check, context, context.stopSignal());
  const waitedMs = context.clock.monotonicMs() - startedMs;
  if (options.json === true) context.print(`${JSON.stringify({ ...result, traffic }, null, 2)}\n`);
  else context.print(await shown(result));
  if (result.failure?.code === "timeout")
    context.say(`waited ${(waitedMs / 1_000).toFixed(1)} s; --timeout (now ${options.timeout}) says how many milliseconds at most\n`);
  if (!result.ok) context.finish(exitCodes.failed);
}

async function runNow(id: string, options: { readonly state: string; readonly json?: boolean }, context: CommandContext): Promise<void> {
  const { requestControl } = await import("../host/control-client.ts");
  const call = { folder: options.state, clock: context.clock, timeoutMs: 120_000 + answerMs };
  const { result } = (await requestControl({ ...call, operation: "check-run", arguments: { id } })) as { readonly result: CheckResult };
  context.print(options.json === true ? `${JSON.stringify(result, null, 2)}\n` : await shown(result));
  if (!result.ok) context.finish(exitCodes.failed);
}

async function list(options: { readonly state: string; readonly json?: boolean }, context: CommandContext): Promise<void> {
  const { requestControl } = await import("../host/control-client.ts");
  const call = { folder: options.state, clock: context.clock, timeoutMs: 10_000 };
  const answer = (await requestControl({ ...call, operation: "checks" })) as { readonly checks: readonly CheckStatus[] };
  if (options.json === true) {
    context.print(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  const { renderTable } = await import("./render.ts");
  const rows = answer.checks.map(({ definition, state, runs, failures, skipped, last }) => ({
    id: definition.id,
    type: definition.type,
    target: definition.target,
    state,
    latencyMs: (last?.evidence.values as Readonly<Record<string, number>> | undefined)?.latency,
    runs,
    failures,
    skipped: Object.values(skipped).reduce((sum, count) => sum + count, 0),
    why: last?.failure?.text ?? "",
  }));
  context.print(rows.length === 0 ? "no checks are configured\n" : renderTable(rows));
}

async function respond(
  options: { readonly host: string; readonly port: number; readonly rate: number },
  context: CommandContext,
): Promise<void> {
  const { UdpResponder } = await import("../../drivers/probe/udp/responder.ts");
  const { clock } = context;
  const responder = new UdpResponder({
    host: options.host,
    port: options.port,
    packetsPerSecondPerSource: options.rate,
    clock,
    logger: await context.logger({ to: "stderr", level: "warn" }),
    onListening: ({ address, port }) => context.print(`answering udp checks on ${address} port ${port}\n`),
  });
  await responder.run(context.stopSignal());
  const { answered, swallowed } = responder.counters;
  context.print(`${answered} packets answered, ${swallowed} swallowed\n`);
}

async function shown(result: CheckResult): Promise<string> {
  const { renderTree } = await import("./render.ts");
  const { check: _check, ok, type, target, vantage, failure, evidence } = result;
  const { values, ...rest } = evidence;
  const head = ok ? `ok: ${type} ${target}` : `failed: ${type} ${target}\n${failure?.text} [${failure?.stage} ${failure?.code}]`;
  const figures = values as Readonly<Record<string, number>> | undefined;
  const phases = Object.entries(figures ?? {}).filter(([name]) => name !== "up" && name !== "stepsDone");
  return `${head}\nfrom ${vantage}\n\n${renderTree(Object.fromEntries(phases))}${Object.keys(rest).length === 0 ? "" : `\n${renderTree(rest)}`}`;
}

function settingsOf(options: RunOptions, context: CommandContext): Readonly<Record<string, unknown>> {
  const settings: Record<string, unknown> = {};
  if (options.settings !== undefined) {
    const parsed = jsonOf(options.settings);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw usageError(context, "--settings wants a JSON object");
    Object.assign(settings, parsed);
  }
  for (const pair of options.set) {
    const equals = pair.indexOf("=");
    if (equals < 1) throw usageError(context, `--set wants key=value, not ${JSON.stringify(pair)}`);
    const text = pair.slice(equals + 1);
    settings[pair.slice(0, equals)] = jsonOf(text) ?? text;
  }
  return settings;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function parseType(text: string): CheckType {
  const found = checkTypes.find((type) => type === text);
  if (found === undefined) throw new InvalidArgumentError(`It wants one of ${checkTypes.join(", ")}.`);
  return found;
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("It wants a whole number.");
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
