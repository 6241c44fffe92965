import type { RunOptions } from "../roles/run-gateway.ts";
import type { CommandContext } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { report } from "./report.ts";

const optionNames = { "--config": "file", "--state": "stateDir", "--beat": "beat" } as const;
export const defaultStateDir = "./gatehouse-state";

/**
 * Reads the line by which launchers start a gateway: `run` and its own options, each with its value as a word of its own. It needs no library, and the
 * descriptions of all commands would stay for as long as the gateway runs (0.4 MB). undefined = anything else, wrong lines with it: for commander.
 * @param args without interpreter and script
 */
export function plainRun(args: readonly string[]): RunOptions | undefined {
  const [command, ...rest] = args;
  if (command !== "run" || rest.length % 2 !== 0) return undefined;
  const given: { file?: string; stateDir?: string; beat?: string } = {};
  for (let index = 0; index < rest.length; index += 2) {
    const [name = "", value = ""] = rest.slice(index, index + 2);
    if (!isOption(name) || value === "" || value.startsWith("-")) return undefined;
    given[optionNames[name]] = value;
  }
  const { file, stateDir = defaultStateDir, beat } = given;
  return file === undefined ? undefined : { file, stateDir, ...(beat === undefined ? {} : { beat }) };
}

const isOption = (name: string): name is keyof typeof optionNames => Object.hasOwn(optionNames, name);

/** The gateway until it is told to stop. @throws GatewayError config.* | buffer.* | host.* */
export async function run(options: RunOptions, context: CommandContext): Promise<void> {
  const { startLean } = await import("../host/lean-start.ts");
  startLean();
  const { runGateway } = await import("../roles/run-gateway.ts");
  await runGateway(options, context);
}

/** The same as a whole command: what goes wrong is said. @returns the exit code; never throws */
export async function runToItsEnd(options: RunOptions, context: CommandContext): Promise<ExitCode> {
  try {
    await run(options, context);
    return exitCodes.ok;
  } catch (error) {
    return report(error, context);
  }
}
