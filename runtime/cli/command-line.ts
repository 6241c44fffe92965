import { inspect } from "node:util";
import { Command, CommanderError, Option } from "commander";
import { isGatewayError } from "#model/errors.ts";
import { type CommandContext, Interrupted, logLevels } from "./context.ts";
import { type ExitCode, exitCodeMeanings, exitCodeOf, exitCodes } from "./exit-codes.ts";

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

/** Says what went wrong: a sentence and what to do for a GatewayError, a sentence for what a person ended, a stack for a bug. */
export function report(error: unknown, context: Pick<CommandContext, "say"> & Partial<Pick<CommandContext, "logLevel">>): ExitCode {
  if (isGatewayError(error)) {
    // A list of problems names its file in each line.
    const name = error.message.includes("\n") || error.code === "config.invalid" ? "" : "gatehouse: ";
    context.say(`${name}${error.message}\n${error.message === error.code ? "" : `[${error.code}] `}${error.help}\n`);
    if (context.logLevel === "debug" && error.cause !== undefined) context.say(`caused by ${inspect(error.cause)}\n`);
    return exitCodeOf(error);
  }
  if (error instanceof Interrupted) {
    context.say(`gatehouse: ${error.message}\n`);
    return exitCodes.failed;
  }
  context.say(`gatehouse: this is a bug; please report it with the lines below\n${inspect(error)}\n`);
  return exitCodes.bug;
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
