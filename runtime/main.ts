#!/usr/bin/env node
/**
 * Start reading here. One program, its roles are commands; each command is one file in `cli/` that describes itself and imports what
 * it needs when it runs. Which drivers, codecs and uplinks there are stands in `parts-*.ts`; how a gateway is wired in `gateway.ts`.
 */
import { register as alarms } from "./cli/alarms.ts";
import { register as audit } from "./cli/audit.ts";
import { register as chunk } from "./cli/chunk.ts";
import { report, runCommandLine } from "./cli/command-line.ts";
import { register as config } from "./cli/config.ts";
import { register as console } from "./cli/console.ts";
import { register as demo } from "./cli/demo.ts";
import { register as discover } from "./cli/discover.ts";
import { register as doctor } from "./cli/doctor.ts";
import { register as enrol } from "./cli/enrol.ts";
import { register as flowHost } from "./cli/flow-host.ts";
import { register as health } from "./cli/health.ts";
import { register as history } from "./cli/history.ts";
import { register as licenses } from "./cli/licenses.ts";
import { register as lock } from "./cli/lock.ts";
import { register as noc } from "./cli/noc.ts";
import { register as probe } from "./cli/probe.ts";
import { processContext } from "./cli/process-context.ts";
import { register as profile } from "./cli/profile.ts";
import { register as proposals } from "./cli/proposals.ts";
import { register as run } from "./cli/run.ts";
import { register as selfTest } from "./cli/self-test.ts";
import { register as simulate } from "./cli/simulate.ts";
import { register as snmp } from "./cli/snmp.ts";
import { register as status } from "./cli/status.ts";
import { register as supportBundle } from "./cli/support-bundle.ts";
import { register as update } from "./cli/update.ts";
import { register as version } from "./cli/version.ts";
import { endProcess } from "./host/end-process.ts";

const args = process.argv.slice(2);
const context = processContext(args, async () => (await import("./parts-appliance.ts")).describeDrivers());

// Whatever nobody caught is a bug: said with its stack, and the process ends; init starts it again.
process.on("uncaughtException", (error) => {
  const code = report(error, context);
  context.flush();
  endProcess(code);
});

const code = await runCommandLine(
  args,
  [
    ...[run, demo, noc, config, snmp, discover, proposals, profile, simulate, chunk, alarms, history, lock, status],
    ...[health, probe, console, enrol, audit, licenses, selfTest, doctor, supportBundle, update, version],
    flowHost,
  ],
  context,
);
context.flush();
// What failed half-way may have left a thread or a socket open; it must not keep a dead process alive for init to look at.
if (code !== 0) endProcess(code);
process.exitCode = context.exitCode;
process.once("beforeExit", () => endProcess(context.exitCode));
