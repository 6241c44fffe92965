import { join, resolve } from "node:path";

const root = join(import.meta.dirname, "..");
const main = join(root, "runtime/main.ts");
/** Commands that only the NOC's end has. */
const nocCommands = new Set(["noc", "demo", "demo-broker", "fleet"]);

/** The program a test's flow hosts run: the packaged appliance where GATEHOUSE_BINARY names one, otherwise the checkout's script. */
export function gatehouseProgram(): string {
  const appliance = process.env.GATEHOUSE_BINARY ?? "";
  return appliance === "" ? main : resolve(root, appliance);
}

/**
 * How a test starts this project's program. GATEHOUSE_BINARY (and GATEHOUSE_NOC_BINARY beside it) name packaged binaries, from the root:
 * then the very artefacts are tested, otherwise the checkout.
 */
export function gatehouseCommand(args: readonly string[]): { readonly command: string; readonly args: readonly string[] } {
  const appliance = process.env.GATEHOUSE_BINARY;
  if (appliance === undefined || appliance === "") return { command: process.execPath, args: [main, ...args] };
  const noc = process.env.GATEHOUSE_NOC_BINARY ?? appliance.replace(/gatehouse-linux/, "gatehouse-noc-linux");
  return { command: resolve(root, nocCommands.has(args[0] ?? "") ? noc : appliance), args };
}
