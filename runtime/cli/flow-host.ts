import type { Command } from "commander";

/** `gatehouse flow-host`: a role, not a command for people; hidden from the help. */
export function register(program: Command): void {
  program
    .command("flow-host", { hidden: true })
    .description("the process that flows run in; started by run, ends with it")
    .action(async () => {
      const { runFlowHostRole } = await import("../roles/flow-host.ts");
      runFlowHostRole();
      await new Promise(() => undefined);
    });
}
