import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSnmpEngine } from "../../drivers/snmp/engine/engine.ts";
import { createSnmpDriver } from "../../drivers/snmp/snmp-driver.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import type { Equipment, EquipmentId } from "../../runtime/model/equipment.ts";
import type { Observation } from "../../runtime/model/observation.ts";
import type { Report } from "../../runtime/model/report.ts";
import type { Clock } from "../../runtime/ports/clock.ts";
import type { Intake } from "../../runtime/ports/intake.ts";
import { Poller } from "../../runtime/southbound/poller.ts";
import { until } from "../integration/processes.ts";
import { peer } from "../peers.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { authKey, privKey, Snmpd } from "./snmp-peers.ts";

const engineId = "80001f8880aabbccdd01020309";
const intervalMs = 1_000;
const limitMs = 20_000;

/** The machine's clock, which a test may put ahead: an agent's clock then stands behind ours as if it had stopped. */
class ShiftedClock implements Clock {
  shiftMs = 0;
  readonly #clock = new SystemClock(() => true);
  now = () => this.#clock.now();
  anchors = () => this.#clock.anchors();
  sleep = (ms: number, abort: AbortSignal) => this.#clock.sleep(ms, abort);
  monotonicMs = () => this.#clock.monotonicMs() + this.shiftMs;
}

/** A poller on one snmpd, with all that it hands over. */
class Site {
  readonly clock = new ShiftedClock();
  readonly observations: Observation[] = [];
  readonly poller: Poller;
  readonly #ending = new AbortController();
  readonly #engine = createSnmpEngine({ clock: this.clock, entropy: systemEntropy, logger: silentLogger });
  readonly #running: Promise<void>;

  constructor(port: number) {
    const { clock } = this;
    const accept = async (observation: Observation) => void this.observations.push(observation);
    const intake: Intake = { accept, tap: () => () => undefined };
    const equipment: Equipment = {
      ...{ id: "sw-1" as EquipmentId, address: "127.0.0.1", port, driver: "snmp", credential: "v3", pollIntervalMs: intervalMs },
      settings: { timeoutMs: 300, retries: 1 },
    };
    const snmp = {
      ...{ version: "3" as const, user: "both" },
      ...{ auth: { protocol: "sha256" as const, key: authKey }, priv: { protocol: "aes128" as const, key: privKey } },
    };
    const context = { clock, entropy: systemEntropy, logger: silentLogger, credential: (name: string) => ({ name, snmp }) };
    const drivers = new Map([["snmp", createSnmpDriver({ engine: this.#engine })]]);
    this.poller = new Poller({ equipment: [equipment], drivers, context, clock, intake, logger: silentLogger, maxConcurrentPolls: 4 });
    this.#running = this.poller.run(this.#ending.signal);
  }

  get polled() {
    return this.poller.equipment.get("sw-1");
  }

  /** Reports since `from`: true = it holds values, else the reasons of its gaps. */
  cycles(from: number): readonly (true | string)[] {
    const reports = this.observations.slice(from).filter((one): one is Report => one.kind === "report");
    return reports.map((report) => report.tables.length > 0 || report.gaps.map(({ reason }) => reason)[0] || "empty");
  }

  async good(from: number, polls = 1): Promise<void> {
    const count = () => this.cycles(from).filter((one) => one === true).length;
    await until(
      `${polls} good polls`,
      () => count() >= polls,
      limitMs,
      () => JSON.stringify(this.cycles(from)),
    );
  }

  events(from: number, type: string): readonly string[] {
    return this.observations.slice(from).flatMap((one) => (one.kind === "event" && one.type === type ? [one.text] : []));
  }

  async end(): Promise<void> {
    this.#ending.abort(new Error("end of test"));
    await this.#running;
    await this.#engine.close();
  }
}

/** Cycles that were lost between the first one after a change and the first good one. */
function lostCycles(cycles: readonly (true | string)[]): number {
  return cycles.indexOf(true);
}

describe.skipIf(!peer("snmpd").available)(`a v3 agent under the poller ${peer("snmpd").reason}`, () => {
  const users = (password = authKey) => [`createUser both SHA-256 ${password} AES ${privKey}`];
  let snmpd: Snmpd;
  let site: Site;

  beforeEach(async () => {
    snmpd = new Snmpd();
    await snmpd.start(users(), { boots: 40, engineId });
    site = new Site(snmpd.port);
    await site.good(0, 2);
  });
  afterEach(async () => {
    await site.end();
    await snmpd.kill();
    await snmpd.dispose();
  });

  it("is polled again within two cycles after it came back with lower boots", { timeout: 120_000 }, async () => {
    await snmpd.kill();
    await snmpd.start(users(), { boots: 2, engineId });
    const from = site.observations.length;
    await site.good(from, 2);
    // A poll that was under way at the restart may have been lost besides.
    expect(lostCycles(site.cycles(from))).toBeLessThanOrEqual(2);
    expect(site.polled?.reachability.state).toBe("up");
    expect(site.polled?.reachability.lastCode).toBeUndefined();
  });

  it("is polled on when its clock stands still", { timeout: 120_000 }, async () => {
    site.clock.shiftMs += 400_000;
    const from = site.observations.length;
    await site.good(from, 2);
    expect(lostCycles(site.cycles(from))).toBeLessThanOrEqual(2);
  });

  it("is said to refuse the credential while its pass phrase is another, and is polled again within two cycles", {
    timeout: 120_000,
  }, async () => {
    await snmpd.kill();
    await snmpd.start(users("changed-password"), { boots: 41, engineId });
    const wrongFrom = site.observations.length;
    await until(
      "it is down",
      () => site.polled?.reachability.state === "down" && site.polled.reachability.lastCode === "driver.auth",
      limitMs,
    );
    await until("gaps say why", () => site.cycles(wrongFrom).filter((one) => one === "auth").length >= 3, limitMs);
    expect(site.cycles(wrongFrom)).not.toContain(true);
    expect(site.events(wrongFrom, "equipment.unreachable").join()).toMatch(/refuses the credential: .*authentication key/);
    expect(site.polled?.reachability.lastMessage).toMatch(/authentication key/);
    await snmpd.kill();
    await snmpd.start(users(), { boots: 42, engineId });
    const from = site.observations.length;
    await site.good(from, 2);
    expect(lostCycles(site.cycles(from))).toBeLessThanOrEqual(2);
    expect(site.polled?.reachability).toMatchObject({ state: "up", lastCode: undefined, lastMessage: undefined });
    expect(site.events(from, "equipment.reachable")).toHaveLength(1);
  });
});
