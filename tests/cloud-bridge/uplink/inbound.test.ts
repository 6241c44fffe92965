import { afterEach, expect, it } from "vitest";
import type { InboundMessage, UplinkSession } from "../../../runtime/ports/uplink.ts";
import { connect, HurriedClock, until, uplinkTo } from "./fixture.ts";
import { type Peer, RogueBroker } from "./rogue-broker.ts";

const open: { broker: RogueBroker; session: UplinkSession }[] = [];

async function listening(
  onMessage: (message: InboundMessage) => void | Promise<void>,
  clock?: HurriedClock,
): Promise<{ peer: Peer; session: UplinkSession }> {
  const broker = await RogueBroker.start();
  const session = await connect(uplinkTo(broker.url, clock === undefined ? {} : { clock }), onMessage);
  open.push({ broker, session });
  return { peer: broker.last, session };
}

afterEach(async () => {
  for (const { broker, session } of open.splice(0)) {
    await session.end("drop");
    await broker.stop();
  }
});

function say(peer: Peer, leaf: string, text: string, messageId: number, qos: 0 | 1 | 2 = 1): void {
  const topic = leaf === "noc/state" ? "gh/1/acme/noc/state" : `gh/1/acme/g/gw-1/${leaf}`;
  peer.send({ cmd: "publish", topic, payload: text, qos, dup: false, retain: leaf === "des", ...(qos === 0 ? {} : { messageId }) });
}

it("hands over leaf, payload and the retained flag", async () => {
  const seen: [string, string, boolean][] = [];
  const { peer } = await listening((message) => {
    seen.push([message.leaf, new TextDecoder().decode(message.payload), message.retained]);
  });
  for (const [index, leaf] of ["ack", "des", "cmd", "blob", "edq", "noc/state"].entries()) say(peer, leaf, `${index}`, index + 1);
  await until(() => seen.length === 6);
  expect(seen).toEqual([
    ["ack", "0", false],
    ["des", "1", true],
    ["cmd", "2", false],
    ["blob", "3", false],
    ["edq", "4", false],
    ["noc-state", "5", false],
  ]);
});

it("acknowledges a message only when it is staged", async () => {
  let staged: (() => void) | undefined;
  const { peer } = await listening(
    () =>
      new Promise<void>((resolve) => {
        staged = resolve;
      }),
  );
  say(peer, "cmd", "x", 7);
  await until(() => staged !== undefined);
  expect(peer.of("puback")).toEqual([]);
  staged?.();
  await until(() => peer.of("puback").length === 1);
  expect(peer.of("puback")[0]?.messageId).toBe(7);
});

it("keeps the order of arrival", async () => {
  const seen: string[] = [];
  const { peer } = await listening(async (message) => {
    await Promise.resolve();
    seen.push(new TextDecoder().decode(message.payload));
  });
  for (let i = 1; i <= 100; i++) say(peer, "cmd", `${i}`, i);
  await until(() => seen.length === 100);
  expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => `${index + 1}`));
});

it("leaves a message without PUBACK whose handler fails, and goes on with the next", async () => {
  const { peer } = await listening((message) => {
    if (new TextDecoder().decode(message.payload) === "bad") throw new Error("no");
  });
  say(peer, "cmd", "bad", 1);
  say(peer, "cmd", "good", 2);
  await until(() => peer.of("puback").length === 1);
  expect(peer.of("puback")[0]?.messageId).toBe(2);
});

it("does not wait for a handler for ever", async () => {
  const { peer } = await listening(
    (message) => (new TextDecoder().decode(message.payload) === "stuck" ? new Promise(() => undefined) : undefined),
    new HurriedClock(50),
  );
  say(peer, "cmd", "stuck", 1);
  say(peer, "cmd", "good", 2);
  await until(() => peer.of("puback").length === 1);
  expect(peer.of("puback")[0]?.messageId).toBe(2);
});

it("replaces the connection when nothing can be staged any more", async () => {
  const { peer, session } = await listening(() => Promise.reject(new Error("disk")));
  for (let i = 1; i <= 8; i++) say(peer, "cmd", "x", i);
  expect((await session.closed).reason).toContain("staged");
});

it("acknowledges and ignores topics that are none of its own", async () => {
  const seen: string[] = [];
  const { peer } = await listening((message) => void seen.push(message.leaf));
  const topics = ["gh/1/acme/g/gw-2/cmd", "gh/1/other/noc/state", "gh/2/acme/g/gw-1/cmd", "x", "gh/1/acme/g/gw-1/tm", "gh/1/acme/g/gw-1"];
  for (const [index, topic] of topics.entries()) {
    peer.send({ cmd: "publish", topic, payload: "", qos: 1, dup: false, retain: false, messageId: index + 1 });
  }
  await until(() => peer.of("puback").length === topics.length);
  expect(seen).toEqual([]);
});

it("receives its own publications' PUBACKs while messages keep coming", async () => {
  const { peer, session } = await listening(() => Promise.resolve());
  for (let i = 1; i <= 500; i++) say(peer, "cmd", "x".repeat(100), i);
  await Promise.all(Array.from({ length: 16 }, () => session.publish("tm", new Uint8Array(100))));
  await until(() => peer.of("puback").length === 500);
});

it("ends the connection on QoS 2, which it never subscribed", async () => {
  const { peer, session } = await listening(() => undefined);
  say(peer, "cmd", "x", 1, 2);
  await session.closed;
});
