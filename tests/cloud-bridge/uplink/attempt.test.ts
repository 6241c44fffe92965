import type { IConnectPacket, ISubscribePacket } from "mqtt-packet";
import { afterEach, expect, it } from "vitest";
import { NameLookup } from "../../../cloud-bridge/uplink/socket.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { State } from "../../../runtime/ports/state.ts";
import { connect, failure, memoryState, uplinkTo } from "./fixture.ts";
import { connack, type Manners, RogueBroker } from "./rogue-broker.ts";

let broker: RogueBroker | undefined;

async function rogue(bad: Partial<Manners> = {}): Promise<RogueBroker> {
  broker = await RogueBroker.start(bad);
  return broker;
}

afterEach(async () => {
  await broker?.stop();
  broker = undefined;
});

function errorOf(error: unknown): { code: string; reasonCode: unknown } {
  if (!(error instanceof GatewayError)) throw error;
  return { code: error.code, reasonCode: error.fields.reasonCode };
}

it("connects with the settings of the protocol", async () => {
  const { url, last } = await rogueSession();
  const packet = last.of("connect")[0] as IConnectPacket;
  expect(url).toContain("mqtt://");
  expect(packet).toMatchObject({
    protocolVersion: 5,
    clientId: "gw-1",
    clean: false,
    keepalive: 60,
    username: "gw-1",
    properties: { sessionExpiryInterval: 900, receiveMaximum: 16, maximumPacketSize: 262_144, requestProblemInformation: true },
    will: {
      topic: "gh/1/acme/g/gw-1/state",
      qos: 1,
      retain: true,
      properties: { willDelayInterval: 60, contentType: "application/json", messageExpiryInterval: 7_776_000 },
    },
  });
  const will: unknown = JSON.parse(String(packet.will?.payload));
  expect(will).toMatchObject({ v: 1, on: false, why: "will", conn: 1 });
});

async function rogueSession(): Promise<RogueBroker> {
  const started = await rogue();
  const session = await connect(uplinkTo(started.url));
  await session.end("drop");
  return started;
}

it("subscribes with one packet to everything that is for it, without overlap", async () => {
  const { last } = await rogueSession();
  const packets = last.of("subscribe") as ISubscribePacket[];
  expect(packets.length).toBe(1);
  expect(packets[0]?.subscriptions.map((entry) => [entry.topic, entry.qos, entry.rh])).toEqual([
    ["gh/1/acme/g/gw-1/ack", 0, 2],
    ["gh/1/acme/g/gw-1/des", 1, 1],
    ["gh/1/acme/g/gw-1/cmd", 1, 2],
    ["gh/1/acme/g/gw-1/blob", 1, 2],
    ["gh/1/acme/g/gw-1/edq", 1, 2],
    ["gh/1/acme/noc/state", 1, 0],
  ]);
});

it("subscribes again when the broker resumed the session", async () => {
  const started = await rogue({ connect: (peer) => peer.send({ cmd: "connack", reasonCode: 0, sessionPresent: true }) });
  const uplink = uplinkTo(started.url);
  for (let i = 0; i < 2; i++) await (await connect(uplink)).end("drop");
  expect(started.peers.map((peer) => peer.of("subscribe").length)).toEqual([1, 1]);
  const again = started.last.of("subscribe")[0] as ISubscribePacket;
  expect(again.subscriptions.at(-1)?.rh).toBe(1);
});

it("announces itself retained, with a connection number that grows over restarts", async () => {
  const started = await rogue();
  const state = memoryState();
  for (let i = 0; i < 3; i++) await (await connect(uplinkTo(started.url, { state, startedBecause: "update" }))).end("drop");
  const states = started.peers.flatMap((peer) => peer.publishes("state"));
  expect(states.map((packet) => packet.retain)).toEqual([true, true, true]);
  expect(states.map((packet) => JSON.parse(String(packet.payload)) as { conn: number })).toMatchObject([
    { on: true, conn: 1, why: "update" },
    { on: true, conn: 2 },
    { on: true, conn: 3 },
  ]);
});

it("connects although the connection's number cannot be stored, and goes on counting", async () => {
  const started = await rogue();
  const state: State = {
    ...memoryState(),
    put: () => {
      throw new GatewayError("buffer.disk-full");
    },
  };
  const uplink = uplinkTo(started.url, { state });
  const numbers: number[] = [];
  for (let i = 0; i < 3; i++) {
    const session = await connect(uplink);
    numbers.push(session.connection);
    await session.end("drop");
  }
  expect(numbers).toEqual([1, 2, 3]);
});

it.each([0x80, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x97, 0x9c, 0x9f])("reports a CONNACK that refuses with %i", async (code) => {
  const started = await rogue({ connect: (peer) => peer.send(connack(code)) });
  expect(errorOf(await failure(connect(uplinkTo(started.url))))).toEqual({ code: "uplink.refused", reasonCode: code });
});

it("gives up on a broker that never says CONNACK", async () => {
  const started = await rogue({ connect: () => undefined });
  const error = errorOf(await failure(connect(uplinkTo(started.url, { connectTimeoutMs: 200 }))));
  expect(error.code).toBe("uplink.unreachable");
  await until(() => started.last.closed);
});

it("gives up on a broker that never says SUBACK", async () => {
  const started = await rogue({ subscribe: () => undefined });
  const error = errorOf(await failure(connect(uplinkTo(started.url, { connectTimeoutMs: 100 }))));
  expect(error.code).toBe("uplink.lost");
});

it("treats a refused subscription as a refused connection", async () => {
  const started = await rogue({
    subscribe: (peer, packet) => peer.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [0, 1, 0x87, 1, 1, 1] }),
  });
  expect(errorOf(await failure(connect(uplinkTo(started.url))))).toEqual({ code: "uplink.refused", reasonCode: 0x87 });
});

it("does not take a SUBACK with too few reason codes for an agreement", async () => {
  const started = await rogue({
    subscribe: (peer, packet) => peer.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [0] }),
  });
  const error = errorOf(await failure(connect(uplinkTo(started.url))));
  expect(error.code).toMatch(/^uplink\.(refused|lost)$/);
});

it("fails when the connection ends between CONNACK and SUBSCRIBE", async () => {
  const started = await rogue({ connect: (peer) => peer.raw(Buffer.concat([connackBytes, connackBytes])) });
  expect(errorOf(await failure(connect(uplinkTo(started.url)))).code).toBe("uplink.lost");
});

const connackBytes = Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00]);

it("refuses a broker without QoS 1", async () => {
  const started = await rogue({ connect: (peer) => peer.send(connack(0, { maximumQoS: 0 })) });
  expect(errorOf(await failure(connect(uplinkTo(started.url)))).code).toBe("uplink.refused");
});

it("reports a broker that closes before CONNACK, and a port where nobody listens, as unreachable", async () => {
  const started = await rogue({ connect: (peer) => peer.socket.destroy() });
  expect(errorOf(await failure(connect(uplinkTo(started.url)))).code).toBe("uplink.unreachable");
  const { url } = started;
  await started.stop();
  broker = undefined;
  expect(errorOf(await failure(connect(uplinkTo(url)))).code).toBe("uplink.unreachable");
});

it("ends the attempt at once when the signal aborts", async () => {
  const started = await rogue({ connect: () => undefined });
  const stop = new AbortController();
  const attempt = uplinkTo(started.url).connect(() => undefined, stop.signal);
  await until(() => started.peers.length === 1);
  stop.abort(new Error("enough"));
  await expect(attempt).rejects.toThrow("enough");
  await until(() => started.last.closed);
});

it("asks a dead name server once at a time, and uses the last good address meanwhile", async () => {
  const started = await rogue();
  let queries = 0;
  let dead = false;
  const names = new NameLookup(() => {
    queries += 1;
    return dead ? new Promise(() => undefined) : Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  });
  const uplink = uplinkTo(`mqtt://broker.example.net:${started.port}`, { names, connectTimeoutMs: 300 });
  await (await connect(uplink)).end("drop");
  dead = true;
  await failure(connect(uplink));
  for (let i = 0; i < 3; i++) await (await connect(uplink)).end("drop");
  expect(queries).toBe(2);
});

it("reports a name that does not resolve as unreachable", async () => {
  const names = new NameLookup(() => Promise.reject(Object.assign(new Error("dns"), { code: "EAI_AGAIN" })));
  expect(errorOf(await failure(connect(uplinkTo("mqtt://broker.example.net:1883", { names })))).code).toBe("uplink.unreachable");
});

it.each(["http://a", "mqtt://", "broker:1883", "ws://a:80"])("refuses %s as a broker's URL", (url) => {
  expect(() => uplinkTo(url)).toThrow(GatewayError);
});

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 60_000, interval: 5 }).toBe(true);
}
