import type { Command } from "commander";
import type { AuditRecord } from "#ports/audit.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";

interface Asked {
  readonly state: string;
  readonly last: string;
  readonly verify?: boolean;
  readonly json?: boolean;
}

/** `gatehouse audit [--verify]`: who did what on this gateway. Reads the book itself, so it works while the gateway is down. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("audit")
    .option("--state <folder>", "state folder of the gateway", "./gatehouse-state")
    .option("--last <number>", "how many records", "50")
    .option("--verify", "check the chain of all records; exit code 1 when it is broken")
    .option("--json", "as JSON")
    .description("who did what on this gateway, from where, with which outcome")
    .addHelpText("after", examples("audit", "audit --verify --state /var/lib/gatehouse"))
    .action((options: Asked) => show(options, context));
}

async function show(options: Asked, context: CommandContext): Promise<void> {
  const { readAuditBook } = await import("../host/audit-book.ts");
  const { records, verdict } = await readAuditBook(options.state, Number(options.last));
  if (options.json === true) context.print(`${JSON.stringify(options.verify === true ? verdict : records, null, 2)}\n`);
  else if (options.verify === true) {
    const outcome = verdict.breaks.length === 0 ? "the chain is whole" : `the chain is broken:\n${verdict.breaks.join("\n")}`;
    context.print(`${verdict.records} records, head ${verdict.head}\n${outcome}\n`);
  } else context.print(records.map((record) => `${line(record)}\n`).join("") || "nothing was recorded yet\n");
  if (options.verify === true && verdict.breaks.length > 0) context.finish(exitCodes.failed);
}

function line({ n, at, clock, actor, action, target, from, outcome, detail }: AuditRecord): string {
  const when = clock === "unanchored" ? "clock not set            " : new Date(at).toISOString();
  const rest = [target, from === undefined ? undefined : `from ${from}`, detail].filter((part) => part !== undefined).join(", ");
  return `${String(n).padStart(6)}  ${when}  ${outcome.padEnd(11)}  ${actor}  ${action}${rest === "" ? "" : `  (${rest})`}`;
}
