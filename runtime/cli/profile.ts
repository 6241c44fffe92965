import { type Command, InvalidArgumentError } from "commander";
import { isGatewayError } from "#model/errors.ts";
import type { SnmpSession, Varbind } from "#ports/snmp.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { counted } from "./counted.ts";
import { exitCodes } from "./exit-codes.ts";
import { addTargetOptions, asking, requireFolder, requireOids, resolveTarget, type TargetOptions } from "./snmp-target.ts";

interface DraftOptions extends TargetOptions {
  readonly root?: string;
  readonly json?: boolean;
  readonly maxRows: number;
}

/** `gatehouse profile check|draft` */
export function register(program: Command, context: CommandContext): void {
  const profile = program
    .command("profile")
    .description("device profiles: check a folder of them, draft one out of a walk")
    .addHelpText("after", examples("profile check ./profiles", "profile draft 192.168.1.2 --community-env LAN_COMMUNITY > acme-box.yaml"))
    .action(() => profile.help({ error: true }));

  profile
    .command("check")
    .argument("<folder>", "folder of profiles (Datadog's and Kentik's dialects and our own), with all folders below")
    .option("--json", "as JSON")
    .description("load a folder and say everything that is wrong, by file, line and key; exit code 2 if a file cannot be used")
    .addHelpText("after", examples("profile check ./profiles", "profile check --json /var/lib/gatehouse/profiles"))
    .action((folder: string, options: { json?: boolean }) => check(folder, options.json === true, context));

  addTargetOptions(profile.command("draft"))
    .argument("[address]", "address (not with --equipment)")
    .option("--root <oid>", "walk below this OID instead of the vendor's own")
    .option("--max-rows <count>", "end the walk after so many values", count, 5_000)
    .option("--json", "as JSON: the draft as text, and what it was made of")
    .description("turn a walk of the vendor's objects into a profile to edit, on standard output")
    .addHelpText("after", examples("profile draft 192.168.1.2 --community public > acme-box.yaml"))
    .action((address: string | undefined, options: DraftOptions) => draft(address === undefined ? [] : [address], options, context));
}

async function check(folder: string, asJson: boolean, context: CommandContext): Promise<void> {
  requireFolder(folder);
  const { checkFolder } = await import("../../drivers/snmp/profiles/check-folder.ts");
  const { formatProblem } = await import("../../drivers/snmp/profiles/problem.ts");
  const { files, profiles, problems } = checkFolder(folder);
  const unusable = new Set(problems.filter(({ costs }) => costs === "file").map(({ file }) => file)).size;
  if (asJson) context.print(`${JSON.stringify({ folder, files, profiles, unusable, problems }, null, 2)}\n`);
  else {
    const words = { file: "the file is not used", row: "the row is left out", note: "note" } as const;
    for (const problem of problems) context.print(`${formatProblem(problem)} (${words[problem.costs]})\n`);
    const sums = [
      counted(files, "file"),
      counted(profiles, "profile"),
      counted(unusable, "unusable file"),
      counted(problems.length, "problem"),
    ];
    context.print(`${folder}: ${sums.join(", ")}\n`);
  }
  if (unusable > 0) context.finish(exitCodes.usage);
}

const walkDeadlineMs = 120_000;
const system = ["1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0"] as const;

async function draft(words: readonly string[], options: DraftOptions, context: CommandContext): Promise<void> {
  const { target } = await resolveTarget(words, options, context);
  if (options.root !== undefined) requireOids([options.root], context);
  const { createSnmpEngine } = await import("../../drivers/snmp/engine/engine.ts");
  const { draftProfile } = await import("../../drivers/snmp/profiles/draft-profile.ts");
  const { enterpriseOf } = await import("../../drivers/snmp/inventory/enterprises.ts");
  const { octetsAsText } = await import("../../drivers/snmp/conversions/label-text.ts");
  const { clock, entropy } = context;
  const engine = createSnmpEngine({ clock, entropy, logger: await context.logger({ to: "stderr", level: "warn" }) });
  try {
    const session = engine.open(target);
    const [descr, id] = await asking(target, { clock }, () => session.get([...system], context.stopSignal()));
    const sysObjectId = typeof id?.value === "string" ? id.value : undefined;
    const root = options.root ?? /^1\.3\.6\.1\.4\.1\.\d+/.exec(sysObjectId ?? "")?.[0] ?? "1.3.6.1.4.1";
    const varbinds = await asking(target, { clock }, (heard) => walk(session, root, { maxRows: options.maxRows, heard }, context));
    const { vendor, deviceClass } = enterpriseOf(sysObjectId) ?? {};
    const sysDescr = descr?.value instanceof Uint8Array ? octetsAsText(descr.value, () => "") : undefined;
    const profile = draftProfile({ sysObjectId, sysDescr, vendor, deviceClass, varbinds });
    const made = { sysObjectId, sysDescr, vendor, deviceClass, root, values: varbinds.length, profile };
    context.print(options.json === true ? `${JSON.stringify(made, null, 2)}\n` : profile);
    context.say(`${varbinds.length} values below ${root}\n`);
  } finally {
    await engine.close();
  }
}

async function walk(
  session: SnmpSession,
  root: string,
  { maxRows, heard }: { readonly maxRows: number; readonly heard: () => void },
  context: CommandContext,
): Promise<readonly Varbind[]> {
  const limits = { maxRows, maxRequests: 2 * maxRows + 64, deadlineMs: context.clock.monotonicMs() + walkDeadlineMs };
  const varbinds: Varbind[] = [];
  try {
    for await (const batch of session.walk(root, limits, context.stopSignal())) {
      heard();
      varbinds.push(...batch);
    }
  } catch (error) {
    if (!isGatewayError(error) || error.code !== "driver.limit") throw error;
    context.say(`the walk was ended by its limit of ${maxRows} values or ${walkDeadlineMs / 1000} s; the draft holds what was read\n`);
  }
  return varbinds;
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("It wants a whole number above 0.");
}
