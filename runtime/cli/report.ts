import { inspect } from "node:util";
import { isGatewayError } from "#model/errors.ts";
import { type CommandContext, Interrupted } from "./context.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-codes.ts";

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
