import type { Command } from "commander";
import { type ErrorCode, errorTable, isGatewayError } from "#model/errors.ts";
import type { Finding } from "../host/diagnosis.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";

interface DoctorOptions {
  readonly state: string;
  readonly config?: string | undefined;
  readonly json?: boolean;
}

/** `gatehouse doctor [--state DIR] [--config FILE]` */
export function register(program: Command, context: CommandContext): void {
  program
    .command("doctor")
    .option("--state <folder>", "state folder of the gateway", "./gatehouse-state")
    .option("--config <file>", "also check this configuration")
    .option("--json", "as JSON")
    .description(
      "look at machine, configuration and running gateway, and say what is wrong and what to do; exit code 1 if anything is wrong",
    )
    .addHelpText("after", examples("doctor --state /var/lib/gatehouse --config /etc/gatehouse/gatehouse.yaml", "doctor --json"))
    .action(async (options: DoctorOptions) => {
      const findings = await findingsOf(options, context);
      if (options.json === true) context.print(`${JSON.stringify(findings, null, 2)}\n`);
      else {
        const { renderTable } = await import("./render.ts");
        context.print(renderTable(findings.map(({ verdict, name, sentence }) => ({ verdict, name, sentence }))));
      }
      if (findings.some(({ verdict }) => verdict === "wrong")) context.finish(exitCodes.failed);
    });
}

/** What the doctor finds: at the machine, in the configuration, of the gateway that runs. */
export async function findingsOf(options: DoctorOptions, context: CommandContext): Promise<readonly Finding[]> {
  const { diagnoseMachine } = await import("../host/diagnosis.ts");
  return [...diagnoseMachine(options.state), ...(await configuration(options, context)), ...(await running(options, context))];
}

async function configuration(options: DoctorOptions, context: CommandContext): Promise<readonly Finding[]> {
  if (options.config === undefined) return [];
  const { loadGatewayConfiguration } = await import("../config/gateway-configuration.ts");
  const name = "configuration";
  try {
    const { equipment, warnings } = loadGatewayConfiguration(options.config, {
      drivers: await context.drivers(),
      environment: context.environment,
    });
    const said = warnings.map(({ sentence }) => sentence).join("; ");
    return [
      {
        name,
        verdict: warnings.length === 0 ? "ok" : "warning",
        sentence: `${equipment.length} equipment${said === "" ? "" : `; ${said}`}`,
      },
    ];
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return [{ name, verdict: "wrong", sentence: `${error.message} ${error.help}` }];
  }
}

interface Status {
  readonly uplink: { readonly state: string; readonly lastError?: { readonly code: string; readonly reason?: string } };
  readonly clock: { readonly quality: string };
  readonly ledger: { readonly balances: boolean; readonly dropped: number; readonly buffered: number };
  readonly buffer: { readonly state: string; readonly deadLetters: number };
  readonly equipment: readonly { readonly id: string; readonly reachability: string; readonly lastError?: string }[];
}

async function running(options: DoctorOptions, context: CommandContext): Promise<readonly Finding[]> {
  const { requestControl } = await import("../host/control-client.ts");
  const ask = (operation: string) => requestControl({ folder: options.state, operation, clock: context.clock, timeoutMs: 20_000 });
  try {
    const health = (await ask("health")) as { readonly healthy: boolean; readonly problems: readonly string[] };
    const status = (await ask("status")) as Status;
    return [
      {
        name: "gateway",
        verdict: health.healthy ? "ok" : "wrong",
        sentence: health.healthy ? "runs: polls finish, commits succeed" : health.problems.join("; "),
      },
      ...ofStatus(status),
    ];
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return [{ name: "gateway", verdict: "wrong", sentence: `${error.message} ${error.help}` }];
  }
}

function ofStatus({ uplink, clock, ledger, buffer, equipment }: Status): readonly Finding[] {
  const down = equipment.filter(({ reachability }) => reachability === "down");
  const names = down.slice(0, 5).map(({ id, lastError }) => (lastError === undefined ? id : `${id} (${lastError})`));
  const advice = [...new Set(down.map(({ lastError }) => helpFor(lastError)))].slice(0, 2).join("");
  const isUp = uplink.state === "connected" || uplink.state === "not configured";
  return [
    {
      name: "uplink",
      verdict: isUp ? "ok" : "warning",
      sentence: isUp ? uplink.state : `${uplink.state}, ${ledger.buffered} samples wait${because(uplink.lastError)}`,
    },
    {
      name: "clock",
      verdict: clock.quality === "synced" ? "ok" : "warning",
      sentence: clock.quality === "synced" ? "synchronised" : `${clock.quality}: check NTP; times are corrected by the NOC later`,
    },
    {
      name: "buffer",
      verdict: buffer.state === "ok" ? "ok" : "wrong",
      sentence:
        buffer.state === "ok"
          ? `${ledger.buffered} samples wait, ${ledger.dropped} were dropped with a record`
          : `${buffer.state}: measurements are at risk; see disk`,
    },
    {
      name: "ledger",
      verdict: ledger.balances ? "ok" : "wrong",
      sentence: ledger.balances ? "balances: nothing was lost unsaid" : "does not balance: please report this with a support bundle",
    },
    {
      name: "equipment",
      verdict: down.length === 0 ? "ok" : "warning",
      sentence:
        down.length === 0
          ? `${equipment.length} answer`
          : `${down.length} of ${equipment.length} cannot be polled: ${names.join(", ")}${down.length > names.length ? ", ..." : ""}.${advice}`,
    },
  ];
}

function because(error: Status["uplink"]["lastError"]): string {
  if (error === undefined) return "";
  const { code, reason } = error;
  const help = reason?.includes("ECONNREFUSED")
    ? " The broker's host can be reached, but nothing listens at that port. Check that the broker runs, the port in uplink.url, and firewalls that refuse."
    : helpFor(code);
  return `: ${code}${reason === undefined ? "" : ` (${reason})`}.${help}`;
}

/** What a person can do, with a space before it; "" for a code of another version. */
function helpFor(code: string | undefined): string {
  const isKnown = code !== undefined && Object.hasOwn(errorTable, code);
  return isKnown ? ` ${errorTable[code as ErrorCode].help}` : "";
}
