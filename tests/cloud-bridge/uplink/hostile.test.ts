import { generate, type Packet } from "mqtt-packet";
import { afterEach, expect, it } from "vitest";
import type { UplinkSession } from "../../../runtime/ports/uplink.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { clock, connect, uplinkTo } from "./fixture.ts";
import { connack, type Manners, type Peer, RogueBroker } from "./rogue-broker.ts";

/** Mutated packets per run; the catalogue's 100,000 by environment. */
const cases = Number(process.env.GATEHOUSE_UPLINK_FUZZ_CASES ?? "2000");
const seed = Number(process.env.GATEHOUSE_UPLINK_FUZZ_SEED ?? "1");

let broker: RogueBroker | undefined;

afterEach(async () => {
  await broker?.stop();
  broker = undefined;
});

async function sessionWith(bad: Partial<Manners> = {}): Promise<{ session: UplinkSession; peer: Peer }> {
  broker ??= await RogueBroker.start();
  broker.manners = { ...broker.manners, ...bad };
  const session = await connect(uplinkTo(broker.url));
  return { session, peer: broker.last };
}

it.each<[string, (peer: Peer) => void]>([
  ["a second CONNACK", (peer) => peer.send(connack(0))],
  ["a packet of 256 MB", (peer) => peer.raw(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f))],
  ["a length of five digits", (peer) => peer.raw(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x01))],
  ["QoS 3", (peer) => peer.raw(Uint8Array.of(0x36, 0x05, 0x00, 0x01, 0x61, 0x00, 0x01))],
  ["a packet type that does not exist", (peer) => peer.raw(Uint8Array.of(0x00, 0x00))],
  ["reserved flags", (peer) => peer.raw(Uint8Array.of(0x61, 0x02, 0x00, 0x01))],
  ["a topic alias nobody allowed", (peer) => peer.raw(publishWithAlias())],
  ["an AUTH nobody asked for", (peer) => peer.send({ cmd: "auth", reasonCode: 0x18 })],
  ["a PUBLISH of QoS 1 without a packet id", (peer) => peer.raw(Uint8Array.of(0x32, 0x03, 0x00, 0x01, 0x61))],
  ["plain text", (peer) => peer.raw(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))],
])("ends the connection on %s", async (_name, misbehave) => {
  const { session, peer } = await sessionWith();
  misbehave(peer);
  const end = await session.closed;
  expect(end.reason).not.toBe("");
});

function publishWithAlias(): Uint8Array {
  const packet: Packet = { cmd: "publish", topic: "", payload: "x", qos: 0, dup: false, retain: false, properties: { topicAlias: 1 } };
  return generate(packet, { protocolVersion: 5 });
}

it("holds no more than one packet of a broker that promises much and sends for ever", async () => {
  const { session, peer } = await sessionWith();
  const before = process.memoryUsage().arrayBuffers;
  const head = Uint8Array.of(0x30, 0xf0, 0xff, 0x0f);
  peer.raw(head);
  let most = 0;
  for (let sent = 0; sent < 64 && !peer.closed; sent++) {
    peer.raw(new Uint8Array(4_096).fill(0x30));
    peer.raw(Uint8Array.of(0xf0, 0xff, 0x0f));
    await clock.sleep(1, new AbortController().signal);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  await session.end("drop");
  expect(most).toBeLessThan(8 * 1_048_576);
});

it("survives a flood of small packets without growing", async () => {
  const { session, peer } = await sessionWith();
  const before = process.memoryUsage().rss;
  const pingresps = new Uint8Array(131_072).map((_, index) => (index % 2 === 0 ? 0xd0 : 0x00));
  for (let i = 0; i < 4; i++) peer.raw(pingresps);
  await session.publish("tm", new Uint8Array(10));
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1_048_576);
  await session.end("drop");
});

/** Real packets with some bytes changed, cut or doubled: what gets past the first check of a parser. */
function mutant(random: () => number): Uint8Array {
  const samples: Packet[] = [
    connack(0, { receiveMaximum: 10, maximumPacketSize: 5_000, topicAliasMaximum: 5, reasonString: "x", userProperties: { a: "b" } }),
    { cmd: "publish", topic: "gh/1/acme/g/gw-1/cmd", payload: "x", qos: 1, dup: false, retain: false, messageId: 5 },
    { cmd: "publish", topic: "gh/1/acme/g/gw-1/ack", payload: "{}", qos: 0, dup: false, retain: false, properties: { contentType: "a" } },
    { cmd: "puback", messageId: 1, reasonCode: 0 },
    { cmd: "pubrec", messageId: 1, reasonCode: 0 },
    { cmd: "pubrel", messageId: 1, reasonCode: 0 },
    { cmd: "pubcomp", messageId: 1, reasonCode: 0 },
    { cmd: "suback", messageId: 1, granted: [0, 1, 1] },
    { cmd: "unsuback", messageId: 1, granted: [0] },
    { cmd: "pingresp" },
    { cmd: "disconnect", reasonCode: 0x8b, properties: { reasonString: "bye" } },
    { cmd: "auth", reasonCode: 0x18, properties: { authenticationMethod: "x" } },
  ];
  const sample = samples[Math.floor(random() * samples.length)] ?? samples[0];
  const bytes = Uint8Array.from(generate(sample as Packet, { protocolVersion: 5 }));
  const changes = Math.floor(random() * 4);
  for (let i = 0; i < changes; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  if (random() < 0.1) return bytes.subarray(0, Math.floor(random() * bytes.length));
  if (random() < 0.05) return Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256));
  return bytes;
}

it(`lives through ${cases} mutated packets, before and after CONNACK`, async () => {
  const { random } = seededEntropy(seed);
  broker = await RogueBroker.start();
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  let sessions = 0;
  try {
    for (let sent = 0; sent < cases; ) {
      const early = random() < 0.2;
      broker.manners.connect = (peer) => {
        if (early) for (let i = 0; i < 3; i++) peer.raw(mutant(random));
        peer.send(connack(0));
      };
      sent += early ? 3 : 0;
      const session = await connect(uplinkTo(broker.url, { connectTimeoutMs: 100 })).catch(() => undefined);
      if (session === undefined) {
        sent += 1;
        continue;
      }
      sessions += 1;
      const peer = broker.last;
      const publication = session.publish("tm", new Uint8Array(10)).catch(() => undefined);
      for (let i = 0; i < 50 && !peer.closed && sent < cases; i++, sent++) {
        peer.raw(mutant(random));
        if (i % 5 === 4) await new Promise<void>((resolve) => setImmediate(resolve));
      }
      await session.end("drop");
      await publication;
    }
  } finally {
    process.off("uncaughtException", note);
    process.off("unhandledRejection", note);
  }
  expect(uncaught).toEqual([]);
  expect(sessions).toBeGreaterThan(10);
  broker.manners.connect = (peer) => peer.send(connack(0));
  const after = await connect(uplinkTo(broker.url));
  await after.publish("tm", new Uint8Array(1));
  await after.end("drop");
}, 600_000);

it("leaves nothing behind after many refused attempts", async () => {
  broker = await RogueBroker.start({ connect: (peer) => peer.send(connack(0x89)) });
  const uplink = uplinkTo(broker.url);
  const attempts = Number(process.env.GATEHOUSE_UPLINK_ATTEMPTS ?? "300");
  const refuse = async (count: number) => {
    for (let i = 0; i < count; i++) await connect(uplink).catch(() => undefined);
    broker?.peers.splice(0);
  };
  await refuse(100);
  const handlesBefore = process.getActiveResourcesInfo().length;
  const before = process.memoryUsage().heapUsed;
  await refuse(attempts);
  await clock.sleep(50, new AbortController().signal);
  expect(process.getActiveResourcesInfo().length - handlesBefore).toBeLessThan(20);
  // Not collected garbage is in here too; a leak of a client (some 30 KB) would be far beyond.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(attempts * 20_000 + 16_000_000);
});
