import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** `gatehouse self-test --state DIR`: run by the updater with the new program, before it is switched to. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("self-test")
    .option("--state <folder>", "state folder; it is only read, a copy is migrated", "./gatehouse-state")
    .description("whether this version can run here: its parts load, and a copy of the state opens and migrates")
    .addHelpText("after", examples("self-test --state /var/lib/gatehouse"))
    .action(async (options: { state: string }) => {
      const { selfTestStore } = await import("../store/self-test.ts");
      const { loadProfiles } = await import("../../drivers/snmp/profiles/load-profiles.ts");
      const { assembleGateway } = await import("../parts-appliance.ts");
      const copies = await selfTestStore(options.state);
      const profiles = loadProfiles({});
      const parts = [...copies, `${profiles.problems.length} problems in the shipped profiles`, assembleGateway.name];
      context.print(`ok: ${parts.join(", ")}\n`);
    });
}
