import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Equipment, isEquipmentId, type SnmpCredential } from "#model/equipment.ts";
import type { Driver, DriverContext, DriverSession } from "#ports/driver.ts";
import { createLoopbackDriver } from "../../drivers/loopback/loopback-driver.ts";
import { SimulatedSite } from "../../drivers/simulated/site.ts";
import { createSnmpEngine } from "../../drivers/snmp/engine/engine.ts";
import { createSnmpDriver } from "../../drivers/snmp/snmp-driver.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { silentLogger } from "../drivers/snmp/support/fixtures.ts";
import { smallSwitch } from "../drivers/snmp/support/switch-agent.ts";
import { peer } from "../peers.ts";

/** One driver with something to poll behind it. */
export interface Subject {
  readonly driver: Driver;
  readonly equipment: Equipment;
  readonly context: DriverContext;
  readonly session: DriverSession;
  close(): Promise<void>;
}

export interface SubjectMaker {
  readonly name: string;
  /** Why it cannot be made here; "" = it can. */
  readonly missing: string;
  make(): Promise<Subject>;
}

const platform = { clock: new SystemClock(() => true), entropy: systemEntropy, logger: silentLogger };
const noCredential: SnmpCredential = { version: "2c", community: "public" };

function equipmentAt(driver: string, port: number): Equipment {
  const id = "subject-1";
  if (!isEquipmentId(id)) throw new Error("not an id");
  return {
    id,
    address: "127.0.0.1",
    port,
    driver,
    credential: "any",
    pollIntervalMs: 1_000,
    settings: driver === "snmp" ? { timeoutMs: 500, retries: 1 } : {},
  };
}

function subjectOf(driver: Driver, equipment: Equipment, credential: SnmpCredential, closeMore: () => Promise<void>): Subject {
  const context: DriverContext = { ...platform, credential: (name) => ({ name, snmp: credential }) };
  const session = driver.open(equipment, context);
  return {
    driver,
    equipment,
    context,
    session,
    async close() {
      await session.close();
      await driver.close();
      await closeMore();
    },
  };
}

async function simulated(device: string): Promise<Subject> {
  const site = new SimulatedSite({ seed: 7, ...platform, basePort: 0 });
  const stop = new AbortController();
  const running = site.run(stop.signal);
  const view = (await site.listening).devices.find((candidate) => candidate.id === device);
  if (view === undefined) throw new Error(`no simulated device ${device}`);
  const driver = createSnmpDriver({ engine: createSnmpEngine(platform) });
  return subjectOf(driver, equipmentAt("snmp", view.port), view.credential, async () => {
    stop.abort(new Error("finished"));
    await running;
  });
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

async function realAgent(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), "driver-contract-"));
  const port = await freeUdpPort();
  writeFileSync(join(folder, "snmpd.conf"), `agentaddress udp:127.0.0.1:${port}\nrocommunity public 127.0.0.1\n`);
  const args = ["-f", "-Lo", "-C", "-c", join(folder, "snmpd.conf"), "-I", "-smux", "-p", join(folder, "pid")];
  const agent: ChildProcess = spawn(peer("snmpd").path, args, { stdio: "ignore", env: { PATH: "", SNMP_PERSISTENT_DIR: folder } });
  const driver = createSnmpDriver({ engine: createSnmpEngine(platform) });
  const subject = subjectOf(driver, equipmentAt("snmp", port), noCredential, async () => {
    const ended = once(agent, "exit");
    agent.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const giveUpAtMs = platform.clock.monotonicMs() + 20_000;
  while (!(await subject.session.probe?.(new AbortController().signal))) {
    if (platform.clock.monotonicMs() > giveUpAtMs) throw new Error("snmpd does not answer");
  }
  return subject;
}

const nothing = async (): Promise<void> => undefined;

/** Every driver, and the snmp driver over everything that can carry it. A new driver adds one line. */
export const subjects: readonly SubjectMaker[] = [
  { name: "loopback", missing: "", make: async () => subjectOf(createLoopbackDriver(), equipmentAt("loopback", 0), noCredential, nothing) },
  {
    name: "snmp over an agent in memory",
    missing: "",
    make: async () => subjectOf(createSnmpDriver({ engine: smallSwitch() }), equipmentAt("snmp", 161), noCredential, nothing),
  },
  { name: "snmp v2c and a simulated switch", missing: "", make: () => simulated("sw-1") },
  { name: "snmp v3 and a simulated firewall", missing: "", make: () => simulated("fw-1") },
  { name: "snmp v2c and Debian's snmpd", missing: peer("snmpd").reason, make: realAgent },
];
