import type { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { builtFromCommit } from "../host/build-facts.ts";
import { isPackaged } from "../host/own-program.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** `gatehouse version [--json]` */
export function register(program: Command, context: CommandContext): void {
  program
    .command("version")
    .option("--json", "as JSON, with the versions of the runtime below")
    .description("print the version")
    .addHelpText("after", examples("version", "version --json"))
    .action((options: { json?: boolean }) => {
      const { node, openssl, zstd } = process.versions;
      const { platform, arch } = process;
      const { name, version } = packageJson;
      const versions = { name, version, commit: builtFromCommit, packaged: isPackaged, node, openssl, zstd, platform, arch };
      context.print(options.json === true ? `${JSON.stringify(versions)}\n` : `${packageJson.name} ${packageJson.version}\n`);
    });
}
