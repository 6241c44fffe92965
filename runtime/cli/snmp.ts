import { type Command, InvalidArgumentError } from "commander";
import type { SnmpSession, Varbind } from "#ports/snmp.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { counted } from "./counted.ts";
import { registerIdentify } from "./snmp-identify.ts";
import { addTargetOptions, asking, requireOids, resolveTarget, type TargetOptions, usageError } from "./snmp-target.ts";
import { jsonVarbind, showValue, showVarbind } from "./snmp-values.ts";

interface WalkOptions extends TargetOptions {
  readonly json?: boolean;
  readonly maxRows: number;
  readonly deadlineMs: number;
}

/** What `gatehouse snmp walk` reads without a root: everything that is standard. */
const defaultRoot = "1.3.6.1.2.1";

/** `gatehouse snmp get|walk|table|identify` */
export function register(program: Command, context: CommandContext): void {
  const snmp = program
    .command("snmp")
    .description("ask one equipment by SNMP, with the gateway's own engine")
    .addHelpText(
      "after",
      examples(
        "snmp get 192.168.1.2 1.3.6.1.2.1.1.1.0 --community public",
        "snmp walk 192.168.1.2 1.3.6.1.2.1.2 --v3-user noc --auth sha256 --auth-key-file auth.key --priv aes128 --priv-key-file priv.key",
        "snmp table 192.168.1.2 1.3.6.1.2.1.2.2 --community-env LAN_COMMUNITY --json",
        "snmp get --config gatehouse.yaml --equipment sw-1 1.3.6.1.2.1.1.3.0",
      ),
    )
    .action(() => snmp.help({ error: true }));

  addTargetOptions(snmp.command("get"))
    .argument("[address-and-oids...]", "address (not with --equipment), then numeric OIDs of instances, as in 1.3.6.1.2.1.1.1.0")
    .option("--json", "as JSON")
    .description("read single values")
    .addHelpText("after", examples("snmp get 192.0.2.1 1.3.6.1.2.1.1.1.0 --community-env LAN_COMMUNITY"))
    .action((words: readonly string[], options: TargetOptions & { json?: boolean }) => get(words, options, context));

  addWalkOptions(addTargetOptions(snmp.command("walk")))
    .argument("[address-and-root...]", "address (not with --equipment), then the OID below which to read (default 1.3.6.1.2.1)")
    .description("read everything below an OID, in order")
    .addHelpText(
      "after",
      examples("snmp walk 192.0.2.1 1.3.6.1.2.1.2 --community-env LAN_COMMUNITY", "snmp walk --config gatehouse.yaml --equipment sw-1"),
    )
    .action((words: readonly string[], options: WalkOptions) => walk(words, options, context));

  addWalkOptions(addTargetOptions(snmp.command("table")))
    .argument("[address-and-table...]", "address (not with --equipment), then the OID of a table, as in 1.3.6.1.2.1.2.2")
    .description("read a table and show it by rows and columns")
    .addHelpText("after", examples("snmp table 192.0.2.1 1.3.6.1.2.1.2.2 --community-env LAN_COMMUNITY"))
    .action((words: readonly string[], options: WalkOptions) => table(words, options, context));

  registerIdentify(snmp, context);
}

function addWalkOptions(command: Command): Command {
  return command
    .option("--json", "as JSON, one object a line for walk")
    .option("--max-rows <count>", "end after so many values", count, 100_000)
    .option("--deadline-ms <ms>", "end after so many milliseconds", count, 120_000);
}

async function withSession(
  words: readonly string[],
  options: TargetOptions & Partial<WalkOptions>,
  context: CommandContext,
  work: (session: SnmpSession, words: readonly string[], heard: () => void) => Promise<void>,
): Promise<void> {
  const { target, rest } = await resolveTarget(words, options, context);
  const { createSnmpEngine } = await import("../../drivers/snmp/engine/engine.ts");
  const { clock, entropy } = context;
  const engine = createSnmpEngine({ clock, entropy, logger: await context.logger({ to: "stderr", level: "warn" }) });
  try {
    requireOids(rest, context);
    const session = engine.open(target);
    const { deadlineMs, maxRows } = options;
    const patience = { clock, ...(deadlineMs !== undefined && { deadlineMs }), ...(maxRows !== undefined && { maxRows }) };
    await asking(target, patience, (heard) => work(session, rest, heard));
    const { unfitValues = 0 } = session.counters();
    if (unfitValues > 0)
      context.say(`${counted(unfitValues, "value")} of the agent cannot be read as the type it names; shown as (no value)\n`);
  } finally {
    await engine.close();
  }
}

function get(words: readonly string[], options: TargetOptions & { json?: boolean }, context: CommandContext): Promise<void> {
  return withSession(words, options, context, async (session, oids) => {
    if (oids.length === 0) throw usageError(context, "which OID? Give one or more, as in 1.3.6.1.2.1.1.1.0");
    const varbinds = await session.get(oids, context.stopSignal());
    if (options.json === true) context.print(`${JSON.stringify(varbinds.map(jsonVarbind), null, 2)}\n`);
    else context.print(varbinds.map((varbind) => `${showVarbind(varbind)}\n`).join(""));
    const without = varbinds.filter(({ type }) => type === "null").length - (session.counters().unfitValues ?? 0);
    if (without > 0)
      context.say(`to ${counted(without, "question")} the agent answered with an error (genErr, tooBig ...) or without a value\n`);
  });
}

function walk(words: readonly string[], options: WalkOptions, context: CommandContext): Promise<void> {
  return withSession(words, options, context, async (session, [root = defaultRoot], heard) => {
    let rows = 0;
    for await (const batch of batches(session, root, options, context)) {
      heard();
      rows += batch.length;
      const lines = batch.map((varbind) => (options.json === true ? JSON.stringify(jsonVarbind(varbind)) : showVarbind(varbind)));
      context.print(`${lines.join("\n")}\n`);
    }
    // An OID that is an instance has nothing below it; snmpwalk shows the instance then, and people expect it.
    if (rows > 0) return;
    const found = (await session.get([root], context.stopSignal())).filter(({ type }) => !type.startsWith("no-such"));
    for (const varbind of found) context.print(`${options.json === true ? JSON.stringify(jsonVarbind(varbind)) : showVarbind(varbind)}\n`);
    if (found.length === 0) context.say(`nothing below ${root}\n`);
  });
}

function batches(session: SnmpSession, root: string, options: WalkOptions, context: CommandContext): AsyncIterable<readonly Varbind[]> {
  const { maxRows, deadlineMs } = options;
  const limits = { maxRows, maxRequests: 2 * maxRows + 64, deadlineMs: context.clock.monotonicMs() + deadlineMs };
  return session.walk(root, limits, context.stopSignal());
}

async function table(words: readonly string[], options: WalkOptions, context: CommandContext): Promise<void> {
  await withSession(words, options, context, async (session, [root], heard) => {
    if (root === undefined) throw usageError(context, "which table? Give its OID, as in 1.3.6.1.2.1.2.2");
    const varbinds: Varbind[] = [];
    for await (const batch of batches(session, root, options, context)) {
      heard();
      varbinds.push(...batch);
    }
    const rows = toRows(root, varbinds);
    if (options.json === true) {
      const cells = rows.map(({ index, columns }) => ({
        index,
        columns: Object.fromEntries([...columns].map(([column, varbind]) => [column, jsonVarbind(varbind)])),
      }));
      context.print(`${JSON.stringify(cells, null, 2)}\n`);
      return;
    }
    const { renderTable } = await import("./render.ts");
    const shown = rows.map(({ index, columns }) => ({
      index,
      ...Object.fromEntries([...columns].map(([column, varbind]) => [`.${column}`, showValue(varbind)])),
    }));
    if (rows.length > 0) context.print(renderTable(shown));
    else context.say(`no rows below ${root}: is it the OID of a table, as in 1.3.6.1.2.1.2.2? gatehouse snmp walk shows what is there\n`);
  });
}

interface TableRow {
  readonly index: string;
  readonly columns: Map<string, Varbind>;
}

/** Rows of the table `root`, of its entry `root.1`, or of one column: instances are named entry.column.index. */
function toRows(root: string, varbinds: readonly Varbind[]): readonly TableRow[] {
  const prefix = root.replace(/^\./, "");
  const isTable = varbinds.every(({ oid }) => oid.startsWith(`${prefix}.1.`));
  const entry = isTable ? `${prefix}.1.` : `${prefix}.`;
  // A column of a table with a simple index: what would be columns are its rows.
  if (varbinds.length > 0 && varbinds.every(({ oid }) => !oid.slice(entry.length).includes("."))) {
    const column = prefix.slice(prefix.lastIndexOf(".") + 1);
    return varbinds.map((varbind) => ({ index: varbind.oid.slice(prefix.length + 1), columns: new Map([[column, varbind]]) }));
  }
  const rows = new Map<string, TableRow>();
  for (const varbind of varbinds) {
    const [column = "", ...arcs] = varbind.oid.slice(entry.length).split(".");
    const index = arcs.join(".");
    const row = rows.get(index) ?? { index, columns: new Map<string, Varbind>() };
    rows.set(index, row);
    row.columns.set(column, varbind);
  }
  return [...rows.values()];
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("It wants a whole number above 0.");
}
