import { afterEach, expect, it, vi } from "vitest";
import type { MqttUplinkOptions } from "../../../cloud-bridge/uplink/mqtt-uplink.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { InboundMessage, UplinkSession } from "../../../runtime/ports/uplink.ts";
import { connect, failure, HurriedClock, until, uplinkTo } from "./fixture.ts";
import { connack, type Manners, type Peer, RogueBroker } from "./rogue-broker.ts";

const open: { broker: RogueBroker; session: UplinkSession }[] = [];

async function sessionWith(
  bad: Partial<Manners> = {},
  options: Partial<MqttUplinkOptions> = {},
  onMessage: (message: InboundMessage) => void | Promise<void> = () => undefined,
): Promise<{ broker: RogueBroker; session: UplinkSession; peer: Peer }> {
  const broker = await RogueBroker.start(bad);
  const session = await connect(uplinkTo(broker.url, options), onMessage);
  open.push({ broker, session });
  return { broker, session, peer: broker.last };
}

afterEach(async () => {
  for (const { broker, session } of open.splice(0)) {
    await session.end("drop");
    await broker.stop();
  }
});

/** Answers presence, nothing else. */
const onlyPresence: Partial<Manners> = {
  publish: (peer, packet) => {
    if (packet.topic.endsWith("/state")) peer.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
  },
};

function codeOf(error: unknown): string {
  return error instanceof GatewayError ? error.code : String(error);
}

it("publishes chunks without properties and everything else with its content type and expiry", async () => {
  const { session, peer } = await sessionWith();
  await session.publish("tm", Uint8Array.of(1, 2, 3));
  await session.publish("rsp", new TextEncoder().encode("{}"));
  await session.publish("log", new TextEncoder().encode("line"));
  const [chunk] = peer.publishes("tm");
  expect(chunk).toMatchObject({ topic: "gh/1/acme/g/gw-1/tm", qos: 1, retain: false });
  expect(chunk?.properties ?? {}).toEqual({});
  expect(peer.publishes("rsp")[0]?.properties).toMatchObject({ contentType: "application/json", messageExpiryInterval: 3_600 });
  await until(() => peer.publishes("log").length === 1);
  expect(peer.publishes("log")[0]?.qos).toBe(0);
});

it("takes the smaller of sixteen and the broker's Receive Maximum", async () => {
  const wide = await sessionWith({ connect: (peer) => peer.send(connack(0, { receiveMaximum: 100 })) });
  expect(wide.session.limits.receiveMaximum).toBe(16);
  const narrow = await sessionWith({ connect: (peer) => peer.send(connack(0, { receiveMaximum: 1 })) });
  expect(narrow.session.limits.receiveMaximum).toBe(1);
});

it("takes exceeding the window for a bug", async () => {
  const { session } = await sessionWith({ ...onlyPresence, connect: (peer) => peer.send(connack(0, { receiveMaximum: 1 })) });
  session.publish("tm", new Uint8Array(1)).catch(() => undefined);
  expect(() => session.publish("tm", new Uint8Array(1))).toThrow("Receive Maximum");
});

it("never sends a packet larger than the broker's maximum, whatever the leaf", async () => {
  const { session, peer } = await sessionWith({ connect: (to) => to.send(connack(0, { maximumPacketSize: 1_024 })) });
  const { maxPayloadBytes } = session.limits;
  expect(maxPayloadBytes).toBeGreaterThan(800);
  expect(codeOf(await failure(session.publish("rep", new Uint8Array(maxPayloadBytes + 1))))).toBe("uplink.too-large");
  for (const leaf of ["hello", "blobq", "rsp", "tm"] as const) await session.publish(leaf, new Uint8Array(maxPayloadBytes));
  for (const packet of peer.of("publish")) expect((packet.length ?? 0) + 3).toBeLessThanOrEqual(1_024);
});

it("rejects with the reason code of the PUBACK", async () => {
  const { session } = await sessionWith({
    publish: (peer, packet) => {
      const reasonCode = packet.topic.endsWith("/tm") ? 0x97 : 0;
      peer.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode });
    },
  });
  const error = await failure(session.publish("tm", new Uint8Array(1)));
  expect(codeOf(error)).toBe("uplink.rejected");
  expect(error instanceof GatewayError && error.fields.reasonCode).toBe(0x97);
});

it.each([0x95, 0xff])("rejects one publication, not the connection, on a PUBACK code %i that the standard does not list", async (code) => {
  const { session } = await sessionWith({
    publish: (peer, packet) => {
      const id = packet.messageId ?? 0;
      peer.raw(Uint8Array.of(0x40, 0x03, id >> 8, id & 0xff, packet.topic.endsWith("/tm") ? code : 0));
    },
  });
  const error = await failure(session.publish("tm", new Uint8Array(1)));
  expect(error instanceof GatewayError && error.fields.reasonCode).toBe(code);
  await session.publish("ev", new Uint8Array(1));
});

it("takes 'no matching subscribers' for success, and passes it on", async () => {
  const { session } = await sessionWith({
    publish: (peer, packet) => peer.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0x10 }),
  });
  let unmatched = 0;
  await session.publish("tm", new Uint8Array(1), { onUnmatched: () => void unmatched++ });
  expect(unmatched).toBe(1);
});

it("replaces a connection on which PUBACK never comes", async () => {
  const { session, peer } = await sessionWith(onlyPresence, { clock: new HurriedClock(100) });
  const error = await failure(session.publish("tm", new Uint8Array(1)));
  expect(codeOf(error)).toBe("uplink.no-puback");
  expect((await session.closed).brokerInitiated).toBe(false);
  await until(() => peer.closed);
});

it("is not fooled by PUBACKs for other packets", async () => {
  const { session } = await sessionWith(
    {
      publish: (peer, packet) => {
        const messageId = (packet.messageId ?? 0) + (packet.topic.endsWith("/tm") ? 1_000 : 0);
        peer.send({ cmd: "puback", messageId: messageId > 65_535 ? messageId - 65_535 : messageId, reasonCode: 0 });
      },
    },
    { clock: new HurriedClock(100) },
  );
  expect(codeOf(await failure(session.publish("tm", new Uint8Array(1))))).toBe("uplink.no-puback");
});

it("survives slow PUBACKs within its patience", async () => {
  const { session } = await sessionWith(
    {
      publish: (peer, packet) => {
        const answer = () => peer.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
        setTimeout(answer, packet.topic.endsWith("/tm") ? 200 : 0);
      },
    },
    { clock: new HurriedClock(100) },
  );
  // 200 ms are 20 s on this clock; three in a row are beyond the 30 s of one.
  for (let i = 0; i < 3; i++) await session.publish("tm", new Uint8Array(1));
});

it("notices a silent half-open line by keep-alive", async () => {
  const { session } = await sessionWith({ other: () => undefined }, { keepAliveS: 1 });
  const end = await session.closed;
  expect(end.reason).toContain("Keepalive");
});

it("uses the keep-alive that the broker asks for", async () => {
  const { session, peer } = await sessionWith({ connect: (to) => to.send(connack(0, { serverKeepAlive: 1 })) });
  await until(() => peer.of("pingreq").length >= 2);
  expect(await Promise.race([session.closed, Promise.resolve("open")])).toBe("open");
});

it.each([-3_650, 400])("keeps the connection when the wall clock is set by %i days", async (days) => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const { session, peer } = await sessionWith({}, { keepAliveS: 1 });
    vi.setSystemTime(Date.now() + days * 86_400_000);
    await until(() => peer.of("pingreq").length >= 2);
    await session.publish("tm", new Uint8Array(1));
  } finally {
    vi.useRealTimers();
  }
});

it("reports the broker's DISCONNECT with its reason code and fails what was under way", async () => {
  const { session, peer } = await sessionWith(onlyPresence);
  const publication = failure(session.publish("tm", new Uint8Array(1)));
  await until(() => peer.publishes("tm").length === 1);
  peer.send({ cmd: "disconnect", reasonCode: 0x8e });
  expect(await session.closed).toMatchObject({ brokerInitiated: true, reasonCode: 0x8e });
  expect(codeOf(await publication)).toBe("uplink.lost");
  expect(codeOf(await failure(session.publish("tm", new Uint8Array(1))))).toBe("uplink.lost");
});

it("says goodbye: state off with its reason, DISCONNECT, and no more", async () => {
  const { session, peer } = await sessionWith();
  await session.end("update");
  await until(() => peer.closed);
  expect(peer.publishes("state").map((packet) => JSON.parse(String(packet.payload)) as unknown)).toMatchObject([
    { on: true },
    { on: false, why: "update", conn: 1 },
  ]);
  expect(peer.received.at(-1)).toMatchObject({ cmd: "disconnect", reasonCode: 0 });
});

it("leaves the goodbye to the will when it cannot be confirmed", async () => {
  const { session, peer } = await sessionWith(
    {
      publish: (to, packet) => {
        if (!String(packet.payload).includes('"on":false')) to.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
      },
    },
    { clock: new HurriedClock(10) },
  );
  await session.end("shutdown");
  await until(() => peer.closed);
  expect(peer.of("disconnect")).toEqual([]);
});

it("waits for room in a full window before it says goodbye", async () => {
  let held: (() => void) | undefined;
  const { session, peer } = await sessionWith({
    connect: (to) => to.send(connack(0, { receiveMaximum: 1 })),
    publish: (to, packet) => {
      const answer = () => to.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
      if (packet.topic.endsWith("/tm")) held = answer;
      else answer();
    },
  });
  const chunk = session.publish("tm", new Uint8Array(1));
  await until(() => held !== undefined);
  const ended = session.end("shutdown");
  held?.();
  await chunk;
  await ended;
  await until(() => peer.of("disconnect").length === 1);
});

it("drops without a word, so that the will fires", async () => {
  const { session, peer } = await sessionWith();
  await session.end("drop");
  await until(() => peer.closed);
  expect(peer.of("disconnect")).toEqual([]);
  expect(await session.closed).toEqual({ reason: "dropped", brokerInitiated: false });
});

it("counts the bytes of the socket", async () => {
  const { session } = await sessionWith();
  const before = session.traffic?.().bytesOut ?? 0;
  await session.publish("tm", new Uint8Array(1_000));
  const after = session.traffic?.();
  expect((after?.bytesOut ?? 0) - before).toBeGreaterThan(1_000);
  expect((after?.bytesOut ?? 0) - before).toBeLessThan(1_040);
  expect(after?.bytesIn).toBeGreaterThan(0);
});
