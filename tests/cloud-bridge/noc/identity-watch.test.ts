import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AlarmDesk } from "../../../cloud-bridge/noc/registry/alarm-desk.ts";
import { formatHello } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { IngestKit } from "./ingest-kit.ts";

function hello(boot: string, conn: number, run?: string): Uint8Array {
  const proto = { min: 1, max: 1 };
  return formatHello({
    v: 1,
    gw: "gw-one",
    agent: "1.0.0",
    boot,
    conn,
    proto,
    caps: [],
    streams: {},
    ...(run === undefined ? {} : { run }),
  });
}

describe("two devices with one identity", () => {
  let kit: IngestKit;
  beforeEach(() => {
    kit = new IngestKit();
  });
  afterEach(() => kit.close());

  async function alarms() {
    return (await kit.store.read.alarmDesk.alarms({ key: "noc:gateway-cloned", state: "active", limit: 10 })).map((row) => row.severity);
  }

  async function greet(...greetings: readonly Uint8Array[]): Promise<void> {
    for (const one of greetings) await kit.receive("hello", one);
  }

  it("are no suspicion while one device restarts, reboots and counts on", async () => {
    await greet(hello("boot-a", 1, "run-aaaa"), hello("boot-a", 2, "run-aaaa"), hello("boot-a", 2, "run-aaaa"));
    await greet(hello("boot-a", 3, "run-bbbb"), hello("boot-b", 4, "run-cccc"), hello("boot-b", 9, "run-cccc"));
    expect(await alarms()).toEqual([]);
  });

  it("are suspected when a new boot does not count on from the last connection", async () => {
    await greet(hello("boot-a", 7), hello("boot-b", 7));
    expect(await alarms()).toEqual(["major"]);
  });

  it("are suspected when a connection number goes down within one boot", async () => {
    await greet(hello("boot-a", 7), hello("boot-a", 3));
    expect(await alarms()).toEqual(["major"]);
  });

  it("are certain when a boot comes back after another one, even with growing numbers", async () => {
    await greet(hello("boot-a", 7), hello("boot-b", 8), hello("boot-a", 9));
    expect(await alarms()).toEqual(["critical"]);
  });

  it("are certain on one and the same machine, by the run that comes back", async () => {
    await greet(hello("boot-a", 7, "run-aaaa"), hello("boot-a", 8, "run-bbbb"), hello("boot-a", 9, "run-aaaa"));
    expect(await alarms()).toEqual(["critical"]);
  });

  it("are seen over a restart of the NOC's end", async () => {
    await greet(hello("boot-a", 7), hello("boot-b", 8));
    await kit.restart();
    await greet(hello("boot-a", 9));
    expect(await alarms()).toEqual(["critical"]);
  });

  it("do not fill the event list while they push each other out", async () => {
    for (let turn = 0; turn < 50; turn += 1) await greet(hello("boot-a", turn * 2 + 1), hello("boot-b", turn * 2 + 2));
    const { ref } = await kit.gateway();
    const events = await kit.store.read.events(ref, { limit: 500 });
    expect(events.filter((event) => event.kind === "gateway.cloned").length).toBeLessThanOrEqual(2);
  });

  it("are an alarm again when an operator had closed the first and it goes on", async () => {
    await greet(hello("boot-a", 7), hello("boot-b", 8), hello("boot-a", 9));
    const gateway = await kit.gateway();
    const first = await kit.store.read.alarmDesk.alarms({ key: "noc:gateway-cloned", state: "active", limit: 1 });
    await new AlarmDesk({ store: kit.store, clock: kit.clock, entropy: systemEntropy }).close(gateway, "noc:gateway-cloned", "anna");
    kit.clock.wall += 5_000;
    await greet(hello("boot-b", 10));
    const second = await kit.store.read.alarmDesk.alarms({ key: "noc:gateway-cloned", state: "active", limit: 1 });
    expect(second[0]?.instance).not.toBe(first[0]?.instance);
  });

  it("are over after a day without a sign", async () => {
    await greet(hello("boot-a", 7), hello("boot-b", 8), hello("boot-a", 9));
    kit.clock.wall += 86_400_001;
    await greet(hello("boot-a", 10));
    expect(await alarms()).toEqual([]);
  });
});
