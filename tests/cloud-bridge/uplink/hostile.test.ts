import { generate, type Packet } from "mqtt-packet";
import { afterEach, expect, it } from "vitest";
import type { UplinkSession } from "../../../runtime/ports/uplink.ts";
import { fuzzPackets } from "../../fuzz/runs/packets.ts";
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

it(`lives through ${cases} mutated packets, before and after CONNACK`, async () => {
  const { sessions, uncaught } = await fuzzPackets({ inputs: cases, seed });
  expect(uncaught).toEqual([]);
  expect(sessions).toBeGreaterThan(10);
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
