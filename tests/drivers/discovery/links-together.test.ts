import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readLinks } from "../../../drivers/discovery/snmp/device-reader.ts";
import type { Engine } from "../../../drivers/snmp/engine/engine.ts";
import type { SnmpSession } from "../../../runtime/ports/snmp.ts";
import { Pace } from "../../../runtime/southbound/discovery/pace.ts";
import { pacedSession } from "../../../runtime/southbound/discovery/paced-session.ts";
import { clock, inMs, startEngine, unending } from "../snmp/engine/conversing.ts";
import { seeded } from "../snmp/engine/mutating.ts";
import { writeMessage } from "../snmp/engine/plain-ber.ts";
import { type Cell, integer, octets, TableAgent } from "../snmp/engine/table-agent.ts";

const bridge = "1.3.6.1.2.1.17";
const lldp = "1.0.8802.1.1.2.1";

let agent: TableAgent;
let engine: Engine;

beforeEach(async () => {
  agent = await new TableAgent().open();
  engine = startEngine();
});
afterEach(async () => {
  await engine.close();
  await agent.close();
});

function open(version: "1" | "2c" = "2c"): SnmpSession {
  return engine.open({
    address: "127.0.0.1",
    port: agent.port,
    credential: { version, community: "public" },
    timeoutMs: 1_000,
    retries: 0,
  });
}

function bytes(...values: readonly number[]): Cell {
  return { tag: 0x04, content: Uint8Array.from(values) };
}

/** A switch, a router or something between them: each table is there, partly there or not, by chance. */
function device(random: () => number): void {
  const some = (most: number): number[] => Array.from({ length: random() < 0.3 ? 0 : 1 + Math.floor(random() * most) }, (_, at) => at + 1);
  const octet = (): number => Math.floor(random() * 256);
  const ports = Array.from({ length: 1 + Math.floor(random() * 50) }, (_, at) => at + 1);
  const step = random() < 0.5 ? 1 : 100;
  for (const port of ports) {
    const ifIndex = port * step;
    agent.set({ [`1.3.6.1.2.1.2.2.1.2.${ifIndex}`]: octets(`Port ${port}`), [`1.3.6.1.2.1.2.2.1.3.${ifIndex}`]: integer(6) });
    if (random() < 0.8) agent.set({ [`1.3.6.1.2.1.2.2.1.6.${ifIndex}`]: bytes(0, 27, 33, 0, 0, port) });
    if (random() < 0.8) agent.set({ [`1.3.6.1.2.1.31.1.1.1.1.${ifIndex}`]: octets(`p${port}`) });
    if (random() < 0.5) agent.set({ [`1.3.6.1.2.1.31.1.1.1.18.${ifIndex}`]: octets(random() < 0.5 ? "" : `desk ${port}`) });
    if (step > 1) agent.set({ [`${bridge}.1.4.1.2.${port}`]: integer(ifIndex) });
    if (random() < 0.9) agent.set({ [`${lldp}.3.7.1.2.${port}`]: integer(5), [`${lldp}.3.7.1.3.${port}`]: octets(`p${port}`) });
  }
  if (random() < 0.5) agent.set({ [`${bridge}.1.1.0`]: bytes(0, 27, 33, 9, 9, 9), [`${bridge}.2.7.0`]: integer(1) });
  if (random() < 0.5)
    agent.set({ [`${lldp}.3.1.0`]: integer(4), [`${lldp}.3.2.0`]: bytes(0, 27, 33, 9, 9, 9), [`${lldp}.3.3.0`]: octets("self") });
  for (const at of some(20)) {
    const row = `0.${1 + Math.floor(random() * ports.length)}.${at}`;
    agent.set({ [`${lldp}.4.1.1.4.${row}`]: integer(4), [`${lldp}.4.1.1.5.${row}`]: bytes(0, 27, 34, 0, 0, at) });
    agent.set({ [`${lldp}.4.1.1.7.${row}`]: octets(`far ${at}`), [`${lldp}.4.2.1.3.${row}.1.4.10.0.0.${at}`]: integer(2) });
  }
  for (const at of some(5)) agent.set({ [`1.3.6.1.4.1.9.9.23.1.2.1.1.6.${at * step}.1`]: octets(`cdp ${at}`) });
  const isTagged = random() < 0.5;
  for (const at of some(80)) {
    const index = `${isTagged ? "1." : ""}0.27.35.${at}.${octet()}.${octet()}`;
    const entry = isTagged ? `${bridge}.7.1.2.2.1` : `${bridge}.4.3.1`;
    agent.set({ [`${entry}.2.${index}`]: integer(1 + (at % ports.length)), [`${entry}.3.${index}`]: integer(random() < 0.1 ? 4 : 3) });
  }
  for (const at of some(3)) agent.set({ [`${bridge}.7.1.4.2.1.3.0.${at * 10}`]: integer(at, 0x42) });
  for (const at of some(4)) {
    if (random() < 0.5) agent.set({ [`1.3.6.1.2.1.4.20.1.2.10.0.0.${at}`]: integer(1) });
    else agent.set({ [`1.3.6.1.2.1.4.34.1.3.1.4.10.0.0.${at}`]: integer(1) });
  }
  for (const at of some(60)) {
    if (isTagged) agent.set({ [`1.3.6.1.2.1.4.22.1.2.1.10.0.1.${at}`]: bytes(0, 27, 36, 0, 0, at) });
    else agent.set({ [`1.3.6.1.2.1.4.35.1.4.1.1.4.10.0.1.${at}`]: bytes(0, 27, 36, 0, 0, at) });
  }
}

/** The same session, which walks one root after the other. */
function plain(session: SnmpSession): SnmpSession {
  return {
    get: (oids, signal) => session.get(oids, signal),
    getNext: (oids, signal) => session.getNext(oids, signal),
    walk: (root, limits, signal) => session.walk(root, limits, signal),
    readTable: (plan, deadlineMs, signal) => session.readTable(plan, deadlineMs, signal),
    set: (varbinds, signal) => session.set(varbinds, signal),
    counters: () => session.counters(),
    engine: () => session.engine(),
    close: () => session.close(),
  };
}

describe("what hangs on a device", () => {
  it.each(["1", "2c"] as const)("is the same read table by table and all at once, by v%s (seeds 1 to 30)", async (version) => {
    let before = 0;
    let after = 0;
    for (let seed = 1; seed <= 30; seed++) {
      agent.cells.clear();
      device(seeded(seed));
      const one = plain(open(version));
      const together = open(version);
      const expected = await readLinks({ session: one, deadlineMs: inMs(20_000) }, unending);
      expect(await readLinks({ session: together, deadlineMs: inMs(20_000) }, unending), `seed ${seed}`).toEqual(expected);
      before += one.counters().requests;
      after += together.counters().requests;
    }
    expect(after).toBeLessThan(before * 0.6);
  });

  it("costs a plain switch of 48 ports without any of the optional tables ten requests at most", async () => {
    for (let port = 1; port <= 48; port++) {
      agent.set({ [`1.3.6.1.2.1.2.2.1.2.${port}`]: octets(`GigabitEthernet1/0/${port}`), [`1.3.6.1.2.1.2.2.1.3.${port}`]: integer(6) });
      agent.set({
        [`1.3.6.1.2.1.2.2.1.6.${port}`]: bytes(0, 27, 33, 0, 0, port),
        [`1.3.6.1.2.1.31.1.1.1.1.${port}`]: octets(`Gi1/0/${port}`),
      });
      agent.set({ [`1.3.6.1.2.1.31.1.1.1.18.${port}`]: octets(`desk ${port}`) });
    }
    const links = await readLinks({ session: open(), deadlineMs: inMs(20_000) }, unending);
    expect(links.ports.map(({ name }) => name)).toContain("Gi1/0/48");
    expect(agent.requests.length).toBeLessThanOrEqual(10);
  });

  it("is not believed to be nothing when the device never answers", async () => {
    agent.answering = () => undefined;
    const reading = readLinks({ session: open(), deadlineMs: inMs(20_000) }, unending);
    await expect(reading).rejects.toMatchObject({ code: "driver.timeout" });
    expect(agent.requests.length).toBe(2);
  });

  it("is found where the device names local ports in its table and not one by one", async () => {
    agent.set({ "1.3.6.1.2.1.2.2.1.2.7": octets("Port 7"), "1.3.6.1.2.1.31.1.1.1.1.7": octets("p7") });
    agent.set({ [`${lldp}.3.7.1.2.1`]: integer(5), [`${lldp}.3.7.1.3.1`]: octets("p7") });
    agent.set({ [`${lldp}.4.1.1.4.0.1.1`]: integer(4), [`${lldp}.4.1.1.5.0.1.1`]: bytes(0, 27, 34, 0, 0, 1) });
    agent.answering = (request) => {
      const answer = agent.answer(request);
      if (request.type !== 0xa0) return [writeMessage(answer)];
      return [writeMessage({ ...answer, varbinds: answer.varbinds.map(({ oid }) => ({ oid, tag: 0x81, content: new Uint8Array(0) })) })];
    };
    const { neighbours } = await readLinks({ session: open(), deadlineMs: inMs(20_000) }, unending);
    expect(neighbours).toMatchObject([{ localIfIndex: 7, localPort: "p7" }]);
  });

  it("is asked for within discovery's packet budget", async () => {
    device(seeded(3));
    const pace = new Pace(clock);
    const session = open();
    await readLinks({ session: pacedSession(session, pace), deadlineMs: inMs(20_000) }, unending);
    const { requests } = session.counters();
    expect(agent.requests.filter(({ type }) => type === 0xa5).length).toBeLessThan(12);
    expect(pace.packets).toBeGreaterThanOrEqual(requests);
    expect(pace.packets).toBeLessThan(requests + 5);
  });
});
