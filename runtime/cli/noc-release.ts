import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Logger } from "#ports/logger.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { registerRollouts } from "./noc-rollout.ts";

interface Places {
  readonly repository: string;
  readonly keys: string;
}

interface PublishOptions extends Places {
  readonly program: string;
  readonly version: string;
  readonly hardware: string;
  readonly from?: readonly string[];
  readonly floor?: string;
}

const defaultRepository = "./gatehouse-state/noc/releases";

/** `gatehouse noc release init|publish|renew|rollout` */
export function registerReleases(noc: Command, context: CommandContext): void {
  const release = noc
    .command("release")
    .description("releases for gateways: keys, signing, publishing; served by noc serve --releases")
    .addHelpText(
      "after",
      examples("noc release init", "noc release publish --program gatehouse-linux-arm64 --version 1.2.0 --hardware linux-arm64"),
    );
  const places = (command: Command) =>
    command
      .option("--repository <folder>", "the repository's files, as they are served", defaultRepository)
      .option("--keys <folder>", "signing keys; those of root and targets belong on a medium that is taken away", "./release-keys");
  places(release.command("init"))
    .description("make signing keys and the first root: two of three keys for root and targets")
    .addHelpText("after", examples("noc release init --keys /media/keys --repository /srv/releases"))
    .action((options: Places) => init(options, context));
  places(release.command("publish"))
    .requiredOption("--program <file>", "the packaged program")
    .requiredOption("--version <version>", "its version, like 1.4.0; once published it never changes")
    .requiredOption("--hardware <id>", "linux-x64 or linux-arm64")
    .option("--from <file>", "an earlier program, for a delta; may be repeated", (value: string, before: readonly string[] = []) => [
      ...before,
      value,
    ])
    .option("--floor <version>", "oldest version that may be installed from now on")
    .description("pack, make deltas, sign and publish a version")
    .addHelpText(
      "after",
      examples(
        "noc release publish --program dist/gatehouse-linux-arm64 --version 1.2.0 --hardware linux-arm64 --from old/gatehouse-linux-arm64",
      ),
    )
    .action((options: PublishOptions) => publishOne(options, context));
  places(release.command("renew"))
    .description("sign snapshot and timestamp anew, where no noc serve --release-keys does it; once a day, they hold for three")
    .addHelpText("after", examples("noc release renew"))
    .action(async (options: Places) => {
      const { ReleaseRepository } = await import("../../cloud-bridge/noc/releases/repository.ts");
      new ReleaseRepository(options.repository).renew(keyFiles(options.keys), context.clock.now().wallMs);
      context.print(`${options.repository}: signed anew\n`);
    });
  registerRollouts(release, context);
}

function keyFiles(folder: string) {
  const file = (name: string) => join(folder, `${name}.pem`);
  return {
    root: [file("root-1"), file("root-2")],
    targets: [file("targets-1"), file("targets-2")],
    snapshot: [file("snapshot")],
    timestamp: [file("timestamp")],
  };
}

async function init(options: Places, context: CommandContext): Promise<void> {
  const { makeKey, ReleaseRepository } = await import("../../cloud-bridge/noc/releases/repository.ts");
  mkdirSync(options.keys, { recursive: true, mode: 0o700 });
  const file = (name: string) => join(options.keys, `${name}.pem`);
  const three = (role: string) => [1, 2, 3].map((index) => file(`${role}-${index}`));
  const keys = { root: three("root"), targets: three("targets"), snapshot: [file("snapshot")], timestamp: [file("timestamp")] };
  for (const one of [...keys.root, ...keys.targets, ...keys.snapshot, ...keys.timestamp]) makeKey(one);
  new ReleaseRepository(options.repository).initialise(keys, 2, context.clock.now().wallMs);
  const root = join(options.repository, "metadata/1.root.json");
  context.print(`Keys in ${options.keys}: take the private keys of root and targets away from this machine.\n`);
  context.print("snapshot.pem and timestamp.pem go to the NOC: noc serve --release-keys FOLDER signs with them each day.\n");
  context.print(`Gateways get ${root} as /etc/gatehouse/update-root.json, and update.url: http://THIS-HOST:8440/releases\n`);
}

async function publishOne(options: PublishOptions, context: CommandContext): Promise<void> {
  const { ReleaseRepository } = await import("../../cloud-bridge/noc/releases/repository.ts");
  const { publish } = await import("../../cloud-bridge/noc/releases/publish.ts");
  const { program, version, hardware, floor, from } = options;
  const one = { program, version, hardware, ...(from === undefined ? {} : { bases: from }), ...(floor === undefined ? {} : { floor }) };
  const { fullBytes, deltaBytes } = publish(
    new ReleaseRepository(options.repository),
    one,
    keyFiles(options.keys),
    context.clock.now().wallMs,
  );
  const deltas = deltaBytes.map((bytes) => `${bytes.toLocaleString("en")} B`).join(", ");
  context.print(`${version} for ${hardware}: ${fullBytes.toLocaleString("en")} B${deltas === "" ? "" : `, deltas ${deltas}`}\n`);
}

/** Timestamps of releases hold three days: signed here, or a NOC where nothing is published freezes the updates of its gateways. */
export async function renewalOf(
  options: { readonly releases?: string; readonly releaseKeys?: string; readonly dir: string },
  context: CommandContext,
  logger: Logger,
) {
  const { ReleaseRenewal } = await import("../../cloud-bridge/noc/releases/renewal.ts");
  const { ReleaseRepository } = await import("../../cloud-bridge/noc/releases/repository.ts");
  const keys = options.releaseKeys ?? join(options.dir, "release-keys");
  return new ReleaseRenewal({
    repository: new ReleaseRepository(options.releases ?? join(options.dir, "releases")),
    keys: { snapshot: [join(keys, "snapshot.pem")], timestamp: [join(keys, "timestamp.pem")] },
    clock: context.clock,
    logger,
  });
}
