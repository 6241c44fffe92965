import { describe, expect, it } from "vitest";
import { decodeDns, encodePtrQuestions } from "../../../drivers/discovery/lan/dns-message.ts";
import { readMdns } from "../../../drivers/discovery/lan/mdns.ts";
import { parseIpNeigh, parseLeases, parseProcArp } from "../../../drivers/discovery/lan/neighbour-tables.ts";
import { encodeNodeStatus, readNodeStatus } from "../../../drivers/discovery/lan/netbios.ts";
import { readSsdp } from "../../../drivers/discovery/lan/ssdp.ts";
import { readLinks } from "../../../drivers/discovery/snmp/device-reader.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { HostHint } from "../../../runtime/ports/discovery.ts";
import type { SnmpType } from "../../../runtime/ports/snmp.ts";
import { deriveTopology } from "../../../runtime/southbound/discovery/topology.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { MemoryAgent } from "../snmp/support/memory-agent.ts";
import { mdnsAnswer, nodeStatusAnswer, ssdpAnswer } from "./datagrams.ts";

const rounds = Number(process.env["DISCOVERY_FUZZ"] ?? "20000");
const never = new AbortController().signal;

/** Throws on nothing but what is said to be thrown. */
function guarded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GatewayError && error.code === "driver.bad-answer") return undefined;
    throw error;
  }
}

function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const changes = 1 + Math.floor(random() * 6);
  for (let change = 0; change < changes; change++) copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
  return random() < 0.3 ? copy.subarray(0, Math.floor(random() * copy.length)) : copy;
}

function checkBounds(hint: HostHint | undefined): void {
  if (hint === undefined) return;
  expect(hint.services.length).toBeLessThanOrEqual(16);
  for (const text of [hint.hostName ?? "", hint.model ?? "", hint.vendor ?? ""]) {
    if (text.length > 128 || /\p{Cc}/u.test(text)) throw new Error(`text of a stranger: ${JSON.stringify(text)}`);
  }
}

describe("what strangers send", () => {
  it("is understood when it is in order", () => {
    expect(readMdns(mdnsAnswer, "10.0.0.5")).toMatchObject({ hostName: "laser", model: "Example Laser 400", services: ["_ipp._tcp"] });
    expect(readSsdp(ssdpAnswer, "10.0.0.1")).toMatchObject({ services: ["urn:schemas-upnp-org:device:InternetGatewayDevice"] });
    expect(readNodeStatus(nodeStatusAnswer, 0x1234, "10.0.0.6")).toEqual({
      address: "10.0.0.6",
      source: "netbios",
      hostName: "FILES",
      mac: "00:1b:21:01:02:03",
      services: ["file-server"],
    });
    expect(guarded(() => readNodeStatus(nodeStatusAnswer, 0x1235, "10.0.0.6"))).toBeUndefined();
    expect(encodeNodeStatus(0x1234)).toHaveLength(50);
    expect(decodeDns(encodePtrQuestions(["_ipp._tcp.local", "_ssh._tcp.local"]))).toEqual({ isAnswer: false, records: [] });
  });

  it(`never throws and stays bounded when it is mutated (${rounds} each)`, () => {
    const { random, bytes } = seededEntropy(42);
    const heapBefore = process.memoryUsage().heapUsed;
    for (let round = 0; round < rounds; round++) {
      const noise = bytes(Math.floor(random() * 64));
      for (const datagram of [mutated(mdnsAnswer, random), noise]) checkBounds(guarded(() => readMdns(datagram, "10.0.0.5")));
      for (const datagram of [mutated(ssdpAnswer, random), noise]) checkBounds(readSsdp(datagram, "10.0.0.1"));
      for (const datagram of [mutated(nodeStatusAnswer, random), noise])
        checkBounds(guarded(() => readNodeStatus(datagram, 0x1234, "10.0.0.6")));
    }
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(100 * 2 ** 20);
  });

  it("cannot hold a reader with names that point at themselves or at each other", () => {
    const header = [0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    for (const pointer of [12, 14, 0x3fff]) {
      const bytes = Uint8Array.from([...header, 0xc0 | (pointer >> 8), pointer & 255, 0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 0, 0, 2, 0xc0, 12]);
      expect(guarded(() => decodeDns(bytes))).toBeUndefined();
    }
  });

  it("of files that are garbage is nothing", () => {
    const { random, bytes } = seededEntropy(43);
    for (let round = 0; round < 500; round++) {
      const text = new TextDecoder("latin1").decode(bytes(Math.floor(random() * 400)));
      for (const parse of [parseProcArp, parseIpNeigh, parseLeases]) expect(parse(text)).toEqual([]);
    }
  });
});

describe("tables of a device that says anything", () => {
  const roots = [
    "1.0.8802.1.1.2.1.3.7.1",
    "1.0.8802.1.1.2.1.4.1.1",
    "1.0.8802.1.1.2.1.4.2.1",
    "1.3.6.1.4.1.9.9.23.1.2.1.1",
    "1.3.6.1.2.1.17.1.4.1",
    "1.3.6.1.2.1.17.4.3.1",
    "1.3.6.1.2.1.17.7.1.2.2.1",
    "1.3.6.1.2.1.2.2.1",
    "1.3.6.1.2.1.31.1.1.1",
    "1.3.6.1.2.1.4.20.1",
    "1.3.6.1.2.1.4.22.1",
    "1.3.6.1.2.1.4.35.1",
  ];
  const tables = Math.max(50, Math.floor(rounds / 100));

  it(`are read and mapped without an exception (${tables} devices of 200 random cells)`, async () => {
    const { random, bytes } = seededEntropy(44);
    const whole = (below: number) => Math.floor(random() * below);
    const devices = [];
    for (let number = 0; number < tables; number++) {
      const agent = new MemoryAgent();
      for (let cell = 0; cell < 200; cell++) {
        const arcs = Array.from({ length: 1 + whole(9) }, () => whole(random() < 0.9 ? 8 : 4_294_967_296));
        const oid = `${roots[whole(roots.length)] ?? ""}.${1 + whole(11)}.${arcs.join(".")}`;
        const type = (["integer", "octet-string", "oid", "ip-address"] as const)[whole(4)] ?? "null";
        agent.set(oid, type as SnmpType, type === "integer" ? whole(40) - 4 : type === "octet-string" ? bytes(whole(24)) : "1.3.6.1");
      }
      const links = await readLinks({ session: agent.open(), deadlineMs: 1e9 }, never);
      for (const { mac } of links.learnt) expect(mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
      for (const { addresses } of links.neighbours) for (const address of addresses) expect(address).toMatch(/^\d+(\.\d+){3}$/);
      devices.push({ id: `d${number}`, label: `d${number}`, addresses: links.addresses, serials: [], links });
    }
    const edges = deriveTopology(devices, []);
    expect(edges.length).toBeLessThanOrEqual(4_000);
    for (const { a, b } of edges) expect(`${a.node} ${b.node} ${a.port ?? ""} ${b.port ?? ""}`.length).toBeLessThan(500);
  });

  it("cost themselves only: a table that fails leaves a note", async () => {
    const agent = new MemoryAgent().text("1.3.6.1.2.1.2.2.1.2.1", "eth0").set("1.3.6.1.2.1.4.20.1.2.10.0.0.1", "integer", 1);
    agent.failing.set("1.0.8802.1.1.2.1.4.1.1", new GatewayError("driver.bad-answer"));
    agent.failing.set("1.3.6.1.2.1.17.1.4.1.2", new GatewayError("driver.timeout"));
    const { addresses, notes } = await readLinks({ session: agent.open(), deadlineMs: 1e9 }, never);
    expect(addresses).toEqual(["10.0.0.1"]);
    expect(notes).toEqual(["bridge: driver.timeout", "LLDP neighbours: answers that are not valid, read in part"]);
  });
});
