import { Command, CommanderError, Option } from "commander";
import { type CommandContext, logLevels } from "./context.ts";
import { type ExitCode, exitCodeMeanings, exitCodes } from "./exit-codes.ts";
import { report } from "./report.ts";

/** A command's file exports one of these. It only describes; the work is imported when the command runs. */
export type Register = (program: Command, context: CommandContext) => void;

/**
 * Runs one command line.
 * @param args without interpreter and script
 * @returns the exit code; never throws
 */
export async function runCommandLine(args: readonly string[], registers: readonly Register[], context: CommandContext): Promise<ExitCode> {
  try {
    const program = createProgram(registers, context);
    await program.parseAsync([...args], { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return report(error, context);
  }
}

/** The whole command line, with every command described. */
export function createProgram(registers: readonly Register[], context: CommandContext): Command {
  const program = new Command("gatehouse");
  program
    .description("Runtime of a managed network appliance: polls a site's equipment and keeps every measurement until the NOC has it.")
    .addOption(new Option("--log-level <level>", "least important line that is logged").choices(logLevels))
    .helpCommand("help [command]", "show help for a command")
    .showHelpAfterError("(gatehouse --help shows how)")
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.print(text), writeErr: (text) => context.say(text) })
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(context.columns, 120) })
    .addHelpText("after", () => `\nExit codes:\n${exitCodeTable()}`);
  for (const register of registers) register(program, context);
  return program;
}

function exitCodeTable(): string {
  const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  return names.map((name) => `  ${String(exitCodes[name]).padStart(3)}  ${exitCodeMeanings[name]}`).join("\n");
}

/** Examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ gatehouse ${line}`).join("\n")}`;
}
