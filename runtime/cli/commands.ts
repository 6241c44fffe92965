/** Every command there is, in the order of the help. Each is one file that describes itself and imports what it needs when it runs. */
import { register as alarms } from "./alarms.ts";
import { register as audit } from "./audit.ts";
import { register as chunk } from "./chunk.ts";
import type { Register } from "./command-line.ts";
import { register as config } from "./config.ts";
import { register as console } from "./console.ts";
import { register as demo } from "./demo.ts";
import { register as discover } from "./discover.ts";
import { register as doctor } from "./doctor.ts";
import { register as enrol } from "./enrol.ts";
import { register as flowHost } from "./flow-host.ts";
import { register as health } from "./health.ts";
import { register as history } from "./history.ts";
import { register as licenses } from "./licenses.ts";
import { register as lock } from "./lock.ts";
import { register as noc } from "./noc.ts";
import { register as probe } from "./probe.ts";
import { register as profile } from "./profile.ts";
import { register as proposals } from "./proposals.ts";
import { register as run } from "./run.ts";
import { register as selfTest } from "./self-test.ts";
import { register as simulate } from "./simulate.ts";
import { register as snmp } from "./snmp.ts";
import { register as status } from "./status.ts";
import { register as supportBundle } from "./support-bundle.ts";
import { register as update } from "./update.ts";
import { register as version } from "./version.ts";

export const commands: readonly Register[] = [
  ...[run, demo, noc, config, snmp, discover, proposals, profile, simulate, chunk, alarms, history, lock, status],
  ...[health, probe, console, enrol, audit, licenses, selfTest, doctor, supportBundle, update, version],
  flowHost,
];
