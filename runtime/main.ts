#!/usr/bin/env node
/**
 * Start reading here. One program, its roles are commands; each command is one file in `cli/` (`cli/commands.ts` lists them). Which drivers, codecs and
 * uplinks there are stands in `parts-*.ts`; how a gateway is wired in `gateway.ts`.
 */
import { type ExitCode, exitCodes } from "./cli/exit-codes.ts";
import { plainRun, runToItsEnd } from "./cli/plain-run.ts";
import { processContext } from "./cli/process-context.ts";
import { report } from "./cli/report.ts";
import { endProcess } from "./host/end-process.ts";

const args = process.argv.slice(2);
const context = processContext(args, async () => (await import("./parts-appliance.ts")).describeDrivers());

// Whatever nobody caught is a bug: said with its stack, and the process ends; init starts it again.
process.on("uncaughtException", (error) => {
  const code = report(error, context);
  context.flush();
  endProcess(code);
});

// Whoever has nothing left to wait for before a command came to its end forgot something.
process.exitCode = exitCodes.bug;
const options = plainRun(args);
void (options === undefined ? commandLine() : runToItsEnd(options, context)).then(end);

async function commandLine(): Promise<ExitCode> {
  const { runCommandLine } = await import("./cli/command-line.ts");
  const { commands } = await import("./cli/commands.ts");
  return runCommandLine(args, commands, context);
}

function end(code: ExitCode): void {
  context.flush();
  // What failed half-way may have left a thread or a socket open; it must not keep a dead process alive for init to look at.
  if (code !== 0) endProcess(code);
  process.exitCode = context.exitCode;
  process.once("beforeExit", () => endProcess(context.exitCode));
}
