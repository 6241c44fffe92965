import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { GatewayError } from "#model/errors.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

interface Asked {
  readonly noc: string;
  readonly label?: string;
  readonly labelFile?: string;
  readonly state: string;
  readonly config: string;
  readonly wait?: boolean;
}

/** `gatehouse enrol` and `gatehouse factory-reset`: how a device becomes somebody's gateway, and how it stops being it. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("enrol")
    .requiredOption("--noc <url>", "enrolment address of the NOC, https://host[:port]")
    .option("--label <text>", "text of the label's QR code; better in a file, command lines are visible to others")
    .option("--label-file <file>", "file with the text of the label's QR code")
    .option("--state <folder>", "state folder", "./gatehouse-state")
    .option("--config <file>", "configuration to write if there is none", "gatehouse.yaml")
    .option("--wait", "keep asking while the NOC has not approved this device")
    .description("make keys, prove who this is by its label, and take the certificate; does nothing when it is enrolled already")
    .addHelpText("after", examples("enrol --noc https://noc.example.net:8443 --label-file /boot/gatehouse-label.txt --wait"))
    .action((options: Asked) => enrolDevice(options, context));
  program
    .command("factory-reset")
    .option("--state <folder>", "state folder of the gateway", "./gatehouse-state")
    .option("--config <file>", "its configuration: goes as well, with the environment file and the files of secrets beside it")
    .option("--yes", "really do it")
    .option("--no-free-space", "leave the file system's free space as it is: quick, but earlier contents can be recovered from it")
    .description("overwrite and remove everything this gateway knows: measurements, credentials, keys, flows")
    .addHelpText("after", examples("factory-reset --state /var/lib/gatehouse --config /etc/gatehouse/gatehouse.yaml --yes"))
    .action((options: ResetOptions) => factoryReset(options, context));
}

interface ResetOptions {
  readonly state: string;
  readonly config?: string;
  readonly yes?: boolean;
  readonly freeSpace: boolean;
}

async function factoryReset(options: ResetOptions, context: CommandContext): Promise<void> {
  const { eraseFreeSpace } = await import("../host/erase-free-space.ts");
  const { eraseFiles, eraseState, freeSpaceBytes } = await import("../host/erase-state.ts");
  const { filesOfConfiguration } = await import("../config/named-files.ts");
  if (options.yes !== true) {
    throw new GatewayError("command.refused", {
      message: `nothing was removed: everything in ${resolve(options.state)} would be lost for good. Add --yes if that is meant`,
    });
  }
  // Read before anything is gone.
  const configuration = options.config === undefined ? { own: [], left: [] } : filesOfConfiguration(options.config);
  const { files, bytes } = await eraseState(options.state, context.clock);
  const others = eraseFiles(configuration.own);
  if (options.freeSpace) {
    const folders = [options.state, ...(options.config === undefined ? [] : [options.config])].map((path) => resolve(path, ".."));
    // One after the other, also on the same file system: that costs a moment, two file systems taken for one would cost the customer.
    for (const folder of new Set(folders)) {
      const free = inGb(freeSpaceBytes(folder));
      context.say(
        `overwriting ${free} of free space beside ${folder}, so that nothing can be recovered from it; --no-free-space leaves it\n`,
      );
      const bytes = eraseFreeSpace(folder, (written) => context.say(`${inGb(written)} of ${free} overwritten\n`));
      context.print(`${bytes} bytes of free space beside ${folder} were overwritten\n`);
    }
  }
  for (const path of configuration.left) context.say(`left where it is, because it may be somebody else's: ${path}\n`);
  if (options.config === undefined) context.say("the configuration was left where it is: name it with --config to remove it, too\n");
  context.say("what was logged is the journal's: journalctl --namespace=gatehouse --rotate --vacuum-time=1s\n");
  context.print(
    `${files + others} files, ${bytes} bytes of state, were overwritten and removed; this device is nobody's gateway any more\n`,
  );
}

function inGb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

async function enrolDevice(options: Asked, context: CommandContext): Promise<void> {
  const { IdentityFolder } = await import("../host/identity-folder.ts");
  const { makeStateFolder } = await import("../host/state-folder.ts");
  makeStateFolder(options.state);
  const identity = new IdentityFolder(options.state, context.entropy);
  const current = identity.current();
  if (current !== undefined) {
    context.print(`this device is enrolled already: gateway ${current.gateway} of ${current.tenant}, site ${current.site}\n`);
    return;
  }
  const { enrolWithLabel } = await import("../parts-enrolment.ts");
  const enrolled = await enrolWithLabel({
    ...{ url: options.noc, label: labelText(options), identity, wait: options.wait === true },
    ...{ clock: context.clock, signal: context.stopSignal(), say: (line: string) => context.say(`${line}\n`) },
  });
  const { writeFirstConfiguration } = await import("../parts-enrolment.ts");
  const isWritten = writeFirstConfiguration(options.config, enrolled);
  context.print(`enrolled: gateway ${enrolled.gateway} of ${enrolled.tenant}, site ${enrolled.site}\n`);
  context.print(isWritten ? `${options.config} was written\n` : `${options.config} was left as it is\n`);
  context.print(`next: gatehouse run --config ${options.config} --state ${join(options.state)}\n`);
}

function labelText(options: Asked): string {
  if (options.label !== undefined) return options.label;
  if (options.labelFile === undefined)
    throw new GatewayError("config.invalid", { message: "the label is missing: give --label-file FILE or --label TEXT" });
  try {
    return readFileSync(options.labelFile, "utf8");
  } catch (cause) {
    throw new GatewayError("config.unreadable", { message: `the label file ${options.labelFile} cannot be read`, cause });
  }
}
