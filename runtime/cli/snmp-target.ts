import { readFileSync, statSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { AuthProtocol, PrivProtocol, SnmpCredential } from "#model/equipment.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { SnmpTarget } from "#ports/snmp.ts";
import type { CommandContext } from "./context.ts";

const authProtocols: readonly AuthProtocol[] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
const privProtocols: readonly PrivProtocol[] = ["des", "aes128", "aes192", "aes256", "aes192-cisco", "aes256-cisco"];

/** Whom to ask and with what credential, as options of a command. */
export interface TargetOptions {
  readonly port: number;
  readonly v1?: boolean;
  readonly community?: string;
  readonly communityEnv?: string;
  readonly v3User?: string;
  readonly context?: string;
  readonly auth: AuthProtocol;
  readonly authKeyFile?: string;
  readonly authKeyEnv?: string;
  readonly priv: PrivProtocol;
  readonly privKeyFile?: string;
  readonly privKeyEnv?: string;
  readonly config?: string;
  readonly equipment?: string;
  readonly timeoutMs: number;
  readonly retries: number;
}

export function addTargetOptions(command: Command): Command {
  return command
    .option("--port <port>", "UDP port of the agent", portNumber, 161)
    .option(
      "--community <text>",
      "community (v2c, or v1 with --v1; left out: public); others on this machine can see it, --community-env is safer",
    )
    .option("--community-env <name>", "environment variable that holds the community")
    .option("--v1", "speak v1 instead of v2c")
    .option("--v3-user <name>", "user name: speak v3")
    .option("--context <name>", "v3 context name")
    .addOption(new Option("--auth <protocol>", "v3 authentication protocol").choices(authProtocols).default("sha256"))
    .option("--auth-key-file <file>", "file that holds the authentication password")
    .option("--auth-key-env <name>", "environment variable that holds the authentication password")
    .addOption(new Option("--priv <protocol>", "v3 privacy protocol").choices(privProtocols).default("aes128"))
    .option("--priv-key-file <file>", "file that holds the privacy password")
    .option("--priv-key-env <name>", "environment variable that holds the privacy password")
    .option("--config <file>", "take address and credential from a gatehouse.yaml; needs --equipment")
    .option("--equipment <id>", "equipment of that file")
    .option("--timeout-ms <ms>", "wait so long for an answer, 250 to 10000", wholeNumber, 1000)
    .option("--retries <count>", "ask again so often", wholeNumber, 2);
}

/** Target from the options, and the words that are not its address. @throws GatewayError config.* for secrets and files that are not there */
export async function resolveTarget(
  words: readonly string[],
  options: TargetOptions,
  context: CommandContext,
): Promise<{ readonly target: SnmpTarget; readonly rest: readonly string[] }> {
  const { timeoutMs, retries } = options;
  if (options.config !== undefined || options.equipment !== undefined) {
    return { target: { ...(await configuredTarget(options, context)), timeoutMs, retries }, rest: words };
  }
  const [address, ...rest] = words;
  if (address === undefined) throw usageError(context, "whom to ask? Give an address, or --config and --equipment");
  const [, alone, port] = /^(\[[\da-f:.]+\]|[^:]+):(\d+)$/i.exec(address) ?? [];
  if (alone !== undefined) throw usageError(context, `the port is given by itself: ${alone.replace(/[[\]]/g, "")} --port ${port}`);
  // As in a URL: an address in brackets is meant without them.
  const [, inBrackets = address] = /^\[([\da-f:.]+)\]$/i.exec(address) ?? [];
  return { target: { address: inBrackets, port: options.port, credential: givenCredential(options, context), timeoutMs, retries }, rest };
}

async function configuredTarget(
  options: TargetOptions,
  context: CommandContext,
): Promise<Pick<SnmpTarget, "address" | "port" | "credential">> {
  if (options.config === undefined || options.equipment === undefined) throw usageError(context, "--config and --equipment go together");
  const { loadGatewayConfiguration } = await import("../config/gateway-configuration.ts");
  const configuration = loadGatewayConfiguration(options.config, { drivers: await context.drivers(), environment: context.environment });
  const equipment = configuration.equipment.find(({ id }) => id === options.equipment);
  if (equipment === undefined) throw usageError(context, `there is no equipment "${options.equipment}" in ${options.config}`);
  const credential = equipment.credential === undefined ? undefined : configuration.credentials.credential(equipment.credential).snmp;
  if (credential === undefined) throw new GatewayError("config.secret", { message: `equipment "${equipment.id}" has no SNMP credential` });
  return { address: equipment.address, port: equipment.port, credential };
}

function givenCredential(options: TargetOptions, context: CommandContext): SnmpCredential {
  if (options.v3User === undefined) {
    const asksForV3 = options.authKeyFile ?? options.authKeyEnv ?? options.privKeyFile ?? options.privKeyEnv ?? options.context;
    if (asksForV3 !== undefined) throw usageError(context, "keys and contexts are SNMPv3's: give --v3-user as well");
    const community = options.community ?? fromEnvironment(options.communityEnv, context) ?? "public";
    return { version: options.v1 === true ? "1" : "2c", community };
  }
  if (options.v1 === true || options.community !== undefined || options.communityEnv !== undefined)
    throw usageError(context, "--v3-user speaks v3, which has no community: leave out --v1, --community and --community-env");
  const wantsPrivacy = options.privKeyFile !== undefined || options.privKeyEnv !== undefined;
  if (wantsPrivacy && options.authKeyFile === undefined && options.authKeyEnv === undefined)
    throw usageError(context, "SNMPv3 has no privacy without authentication: give --auth-key-file or --auth-key-env as well");
  const authKey = fromFile(options.authKeyFile) ?? fromEnvironment(options.authKeyEnv, context);
  const privKey = fromFile(options.privKeyFile) ?? fromEnvironment(options.privKeyEnv, context);
  return {
    version: "3",
    user: options.v3User,
    ...(options.context === undefined ? {} : { context: options.context }),
    ...(authKey === undefined ? {} : { auth: { protocol: options.auth, key: authKey } }),
    ...(privKey === undefined ? {} : { priv: { protocol: options.priv, key: privKey } }),
  };
}

/** A command line that makes no sense: says why; the error only carries the exit code. */
export function usageError(context: CommandContext, sentence: string): InvalidArgumentError {
  context.say(`gatehouse: ${sentence}\n`);
  return new InvalidArgumentError(sentence);
}

/** By which options a command ends its waiting, besides those of `TargetOptions`; left out: it has none. */
export interface Patience {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Value of --deadline-ms. */
  readonly deadlineMs?: number;
  /** Value of --max-rows. */
  readonly maxRows?: number;
}

/**
 * Does `work` with one equipment. What goes wrong with it says with which, how long it was waited for, and which options say how long.
 * @param work is handed what to call whenever something was heard: silence is counted from there
 */
export async function asking<Result>(
  target: SnmpTarget,
  patience: Patience,
  work: (heard: () => void) => Promise<Result>,
): Promise<Result> {
  const startedMs = patience.clock.monotonicMs();
  let heardMs = startedMs;
  try {
    return await work(() => {
      heardMs = patience.clock.monotonicMs();
    });
  } catch (error) {
    if (!isGatewayError(error) || !error.code.startsWith("driver.")) throw error;
    const nowMs = patience.clock.monotonicMs();
    const ending = endingOf(error, target, patience, { waitedMs: nowMs - heardMs, lastedMs: nowMs - startedMs });
    const message = `${target.address} port ${target.port}: ${error.message}${ending}`;
    throw new GatewayError(error.code, { message, fields: error.fields, cause: error });
  }
}

function endingOf(
  { code, fields }: GatewayError,
  { timeoutMs, retries }: SnmpTarget,
  { deadlineMs, maxRows }: Patience,
  { waitedMs, lastedMs }: { readonly waitedMs: number; readonly lastedMs: number },
): string {
  const ownDeadline = deadlineMs === undefined ? undefined : `--deadline-ms (now ${deadlineMs})`;
  if (code === "driver.timeout") {
    const isOver = deadlineMs !== undefined && lastedMs >= deadlineMs;
    const options = isOver ? `${ownDeadline} says` : `--timeout-ms (now ${timeoutMs}) and --retries (now ${retries}) say`;
    return `; waited ${(waitedMs / 1_000).toFixed(1)} s, ${options} how long`;
  }
  if (code !== "driver.limit") return "";
  if (fields.limit === "deadlineMs") return ownDeadline === undefined ? "" : `, ${ownDeadline}`;
  const isOfRows = fields.limit === "maxRows" || fields.limit === "maxRequests";
  return isOfRows && maxRows !== undefined ? `, --max-rows (now ${maxRows})` : "";
}

/** @throws GatewayError config.unreadable */
export function requireFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) throw new GatewayError("config.unreadable", { message: `${folder} is no folder`, fields: { folder } });
}

/** OIDs as people write them, before anything is sent. */
export function requireOids(oids: readonly string[], context: CommandContext): void {
  const wrong = oids.find((oid) => !/^\.?\d+(\.\d+)*$/.test(oid));
  if (wrong !== undefined)
    throw usageError(
      context,
      `"${wrong.slice(0, 80)}" is not an object identifier in numbers, as in 1.3.6.1.2.1.1.1.0 (names need a MIB; there is none here)`,
    );
}

function fromEnvironment(name: string | undefined, context: CommandContext): string | undefined {
  if (name === undefined) return undefined;
  const value = context.environment[name];
  if (value === undefined) throw new GatewayError("config.secret", { message: `the environment variable ${name} is not set` });
  return value;
}

function fromFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new GatewayError("config.secret", { message: `the file ${file} cannot be read`, cause });
  }
}

function portNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw new InvalidArgumentError("It wants a whole number from 1 to 65535.");
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new InvalidArgumentError("It wants a whole number from 0 to 65535.");
}
