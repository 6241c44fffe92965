import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";

/** `gatehouse licenses [--sbom]` */
export function register(program: Command, context: CommandContext): void {
  program
    .command("licenses")
    .option("--sbom", "the bill of materials (CycloneDX JSON) instead of the texts")
    .description("what this program contains of others, and under which licences")
    .addHelpText("after", examples("licenses | less", "licenses --sbom > gatehouse.cdx.json"))
    .action((options: { sbom?: boolean }) => {
      const about = read(options.sbom === true ? "../../about/sbom.json" : "../../about/licences.txt");
      if (about !== undefined) return context.print(`${about}\n`);
      if (options.sbom === true) {
        context.say("This is a checkout, which has no bill of materials; the packaged program does (npm run build).\n");
        return context.finish(exitCodes.failed);
      }
      // A checkout: each package's licence lies beside it.
      context.print(read("../../LICENSE") ?? "");
      context.say("This is a checkout; the packaged program lists everything it contains. Here see node_modules/*/LICENSE.\n");
    });
}

function read(place: string): string | undefined {
  try {
    return readFileSync(fileURLToPath(new URL(place, import.meta.url)), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
