import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import packageJson from "../../package.json" with { type: "json" };
import { builtFromCommit } from "../host/build-facts.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** Left free beside a bundle, bytes. */
const leftFreeBytes = 16 * 1_048_576;

interface BundleOptions {
  readonly state: string;
  readonly config?: string;
  readonly log?: string;
  readonly out?: string;
}

/** `gatehouse support-bundle [--state DIR] [--config FILE] [--log FILE] [--out FILE]` */
export function register(program: Command, context: CommandContext): void {
  program
    .command("support-bundle")
    .option("--state <folder>", "state folder of the gateway", "./gatehouse-state")
    .option("--config <file>", "its configuration; secrets are left out")
    .option("--log <file>", "a log; without it the newest lines of the service's journal, if there is one")
    .option("--out <file>", "where to (default: gatehouse-support.tar.gz)")
    .description("collect what helps others to help: versions, findings, state, configuration, log; without secrets, with a manifest")
    .addHelpText("after", examples("support-bundle --state /var/lib/gatehouse --config /etc/gatehouse/gatehouse.yaml"))
    .action((options: BundleOptions) => collect(options, context));
}

async function collect(options: BundleOptions, context: CommandContext): Promise<void> {
  const { bundleOf } = await import("../host/bundle-file.ts");
  const { findingsOf } = await import("./doctor.ts");
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const { platform, arch, versions } = process;
  const unread = new Unread();
  const named = namedText(options.config, unread);
  const files: Record<string, string> = {
    "version.json": json({
      name: packageJson.name,
      version: packageJson.version,
      commit: builtFromCommit,
      node: versions.node,
      platform,
      arch,
    }),
    "findings.json": json(await findingsOf(options, context)),
    "files.txt": filesBelow(options.state, unread),
    "status.json": json(await asked("status", options, context)),
    "health.json": json(await asked("health", options, context)),
    "system.txt": ["/etc/os-release", "/proc/meminfo", "/proc/loadavg", "/proc/mounts"].map(systemFile).join("\n"),
  };
  if (options.config !== undefined) files["configuration.json"] = json(await configuration(options.config, context, unread));
  files["log.txt"] = options.log === undefined ? journal() : (namedText(options.log, unread) ?? "could not be read\n");
  const secrets = named === undefined || options.config === undefined ? [] : secretsIn(named, options.config, context, unread);
  if (unread.any) files["could-not-be-read.txt"] = unread.text();
  const bundle = bundleOf(files, secrets);
  const out = options.out ?? "gatehouse-support.tar.gz";
  mustFit(out, bundle.length);
  writeFileSync(out, bundle, { mode: 0o600 });
  context.print(
    `${out}: ${bundle.length.toLocaleString("en")} bytes, ${Object.keys(files).length} files. Look at it before you send it.\n`,
  );
  if (unread.any) context.say(`the bundle is made, but not all that was asked for could be read:\n${unread.text()}`);
}

/** What was asked for and is not in the bundle: it is made all the same, as it is wanted when things are broken, but nothing is left out in silence. */
class Unread {
  readonly #lines: string[] = [];

  get any(): boolean {
    return this.#lines.length > 0;
  }

  note(what: string, why: string): void {
    this.#lines.push(`- ${what}: ${why}\n`);
  }

  text(): string {
    return this.#lines.join("");
  }
}

/** The system's word for what is wrong with a file, `ENOENT`. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "it is not there";
  if (code === "EACCES" || code === "EPERM") return "this user may not read it";
  return code === "EISDIR" ? "it is a folder" : `it cannot be read (${typeof code === "string" ? code : "unknown"})`;
}

/** A bundle must not take the last room from the measurements. @throws GatewayError buffer.disk-full */
function mustFit(out: string, bytes: number): void {
  if (!existsSync(dirname(out)))
    throw new GatewayError("config.invalid", {
      message: `there is no folder ${dirname(out)} to put the bundle in: give another place with --out`,
    });
  const { bavail, bsize } = statfsSync(dirname(out));
  const freeBytes = bavail * bsize;
  if (freeBytes - bytes >= leftFreeBytes) return;
  throw new GatewayError("buffer.disk-full", {
    message: `only ${Math.floor(freeBytes / 1e6)} MB are free beside ${out}, too little for a bundle: give a place on another file system with --out (/run, a USB stick)`,
    fields: { freeBytes, bytes },
  });
}

async function asked(operation: string, options: BundleOptions, context: CommandContext): Promise<unknown> {
  const { requestControl } = await import("../host/control-client.ts");
  try {
    return await requestControl({ folder: options.state, operation, clock: context.clock, timeoutMs: 10_000 });
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { problem: error.message };
  }
}

/** The configuration as `config show` shows it: secrets are references or stars there. */
async function configuration(file: string, context: CommandContext, unread: Unread): Promise<unknown> {
  const { loadGatewayConfiguration } = await import("../config/gateway-configuration.ts");
  try {
    return loadGatewayConfiguration(file, { drivers: await context.drivers(), environment: context.environment }).shown;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (error.code !== "config.unreadable") unread.note(file, "it is not a valid configuration; configuration.json says why");
    return { problem: error.message };
  }
}

/** Names and lengths, no contents: nothing of the state folder is copied. */
function filesBelow(folder: string, unread: Unread): string {
  if (!existsSync(folder)) {
    unread.note(folder, "there is no such state folder; the gateway's own is named by --state");
    return `${folder} is not there\n`;
  }
  const paths = globSync("**/*", { cwd: folder }).sort().slice(0, 2_000);
  return paths.map((path) => `${statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? "?"}\t${path}\n`).join("");
}

function systemFile(path: string): string {
  return existsSync(path) ? `== ${path}\n${readFileSync(path, "utf8")}` : `== ${path}: not there\n`;
}

const noJournal = "there is no journal of a service here, or not for this user; give a log with --log\n";

function journal(): string {
  try {
    const lines = execFileSync("journalctl", ["--namespace=+gatehouse", "-u", "gatehouse", "-n", "5000", "--no-pager", "-q"], {
      encoding: "utf8",
      timeout: 20_000,
      maxBuffer: 16 * 1024 * 1024,
    });
    return lines === "" ? noJournal : lines;
  } catch {
    // No systemd, or not for this user.
    return noJournal;
  }
}

/** Values the configuration refers to: files beside it and variables of the environment. @param text the configuration's */
function secretsIn(text: string, config: string, context: CommandContext, unread: Unread): readonly string[] {
  const folder = join(config, "..");
  const files = [...text.matchAll(/\$file:\s*["']?([^\s"'}]+)/g)].map(([, name = ""]) =>
    name.startsWith("/") ? name : join(folder, name),
  );
  const variables = [...text.matchAll(/\$env:\s*["']?([A-Za-z_]\w*)/g)].map(([, name = ""]) => context.environment[name] ?? "");
  const inline = [...text.matchAll(/(?:community|password|key|secret|token)\s*:\s*["']?([^\s"'{},]{4,})/gi)].map(([, value = ""]) => value);
  const contents = files.map((file) => (namedText(file, unread) ?? "").trim());
  return [...contents, ...variables, ...inline].filter((one) => one !== "");
}

/** A file that a person or the configuration named; undefined, and it is noted, where it cannot be read. */
function namedText(file: string | undefined, unread: Unread): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    // The border to the file system: whatever is wrong with it, the bundle goes on without it.
    unread.note(file, reasonOf(error));
    return undefined;
  }
}
