import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatewayError } from "../../runtime/model/errors.ts";
import type { InboundMessage } from "../../runtime/ports/uplink.ts";
import { connect, failure, until } from "../cloud-bridge/uplink/fixture.ts";
import { type UplinkSubject, uplinkSubjects } from "./uplink-subjects.ts";

function codeOf(error: unknown): string {
  return error instanceof GatewayError ? error.code : String(error);
}

describe.each(uplinkSubjects)("the uplink's contract: $name", ({ missing, open }) => {
  let subject: UplinkSubject;

  beforeEach(async () => {
    if (missing === "") subject = await open();
  });

  afterEach(async () => {
    if (missing === "") await subject.stop();
  });

  const promises = it.skipIf(missing !== "");

  promises("gives limits that can be kept", async () => {
    const session = await connect(subject.uplink);
    expect(session.limits.receiveMaximum).toBeGreaterThanOrEqual(1);
    expect(session.limits.receiveMaximum).toBeLessThanOrEqual(16);
    expect(session.limits.maxPayloadBytes).toBeGreaterThan(100);
    await session.end("drop");
  });

  promises("publishes as many at a time as the window holds", async () => {
    const session = await connect(subject.uplink);
    const { receiveMaximum } = session.limits;
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: receiveMaximum }, () => session.publish("tm", new Uint8Array(1_000))));
    }
    await session.end("drop");
  });

  promises("refuses what exceeds the limit without touching the connection", async () => {
    const session = await connect(subject.uplink);
    expect(codeOf(await failure(session.publish("tm", new Uint8Array(session.limits.maxPayloadBytes + 1))))).toBe("uplink.too-large");
    await session.publish("tm", new Uint8Array(session.limits.maxPayloadBytes));
    await session.end("drop");
  });

  promises("counts connections, and makes each a new session", async () => {
    const first = await connect(subject.uplink);
    await first.end("shutdown");
    const second = await connect(subject.uplink);
    expect(second).not.toBe(first);
    expect(second.connection).toBe(first.connection + 1);
    expect(codeOf(await failure(first.publish("tm", new Uint8Array(1))))).toBe("uplink.lost");
    await second.publish("tm", new Uint8Array(1));
    await second.end("drop");
  });

  promises("settles closed when it ends, once and for all", async () => {
    const session = await connect(subject.uplink);
    await session.end("update");
    expect((await session.closed).brokerInitiated).toBe(false);
    await session.end("shutdown");
  });

  promises("fails what is under way when the broker goes", async () => {
    const session = await connect(subject.uplink);
    const publications = Array.from({ length: session.limits.receiveMaximum }, () => session.publish("tm", new Uint8Array(1_000)));
    const outcomes = Promise.allSettled(publications);
    await subject.goDown();
    await session.closed;
    for (const outcome of await outcomes) if (outcome.status === "rejected") expect(codeOf(outcome.reason)).toBe("uplink.lost");
    expect(codeOf(await failure(session.publish("tm", new Uint8Array(1))))).toBe("uplink.lost");
  });

  promises("fails an attempt on a broker that is not there", async () => {
    await subject.goDown();
    expect(codeOf(await failure(connect(subject.uplink)))).toBe("uplink.unreachable");
  });

  promises("gives up an attempt with the signal's reason", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    await expect(subject.uplink.connect(() => undefined, stop.signal)).rejects.toThrow("enough");
  });

  promises("hands messages over in order", async () => {
    const seen: [InboundMessage["leaf"], string][] = [];
    const session = await connect(subject.uplink, (message) => void seen.push([message.leaf, new TextDecoder().decode(message.payload)]));
    for (let i = 0; i < 5; i++) await subject.say("cmd", `${i}`);
    await subject.say("noc-state", "state");
    await until(() => seen.length === 6);
    expect(seen).toEqual([...[0, 1, 2, 3, 4].map((i) => ["cmd", `${i}`]), ["noc-state", "state"]]);
    await session.end("drop");
  });
});
