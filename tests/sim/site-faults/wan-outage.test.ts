import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Connector } from "../../../cloud-bridge/noc/connectors/connector.ts";
import type { AlarmRow, EventRow } from "../../../cloud-bridge/noc/store/rows.ts";
import { sendAlarmEvent } from "../../../cloud-bridge/protocol/webhook/send-alarm.ts";
import { WebhookReceiver } from "../../cloud-bridge/notify/receiver.ts";
import { seededEntropy } from "../seeded-entropy.ts";
import { SiteWorld } from "./site-world.ts";

const secret = "a-key-that-nobody-guesses-1";
/** Two hours are lived through with GATEHOUSE_OUTAGE_MINUTES=120. */
const outageMinutes = Number(process.env["GATEHOUSE_OUTAGE_MINUTES"] ?? 40);
const minute = 60_000;
const sixth = (outageMinutes * minute) / 6;

let receiver: WebhookReceiver;
let world: SiteWorld;
let stop: AbortController;
let connecting: Promise<void>;

beforeEach(async () => {
  receiver = await WebhookReceiver.start(secret);
  world = new SiteWorld({ seed: 7, receiver: { url: receiver.url, secret } });
  stop = new AbortController();
  connecting = connector().run(stop.signal);
});

afterEach(async () => {
  stop.abort(new Error("over"));
  await world.close();
  await connecting;
  await receiver.stop();
});

/** The NOC's own way to the same receiver. */
function connector(): Connector {
  return new Connector(
    {
      rules: { name: "ops", tenants: [], minSeverity: "minor", holdMs: 0 },
      target: { url: receiver.url, secret, timeoutMs: 60_000 },
      maxPerMinute: 600,
    },
    {
      ...{ store: world.store.outgoing, clock: world.clock, entropy: seededEntropy(3), logger: world.logger },
      async send(...what) {
        const done = world.clock.busy();
        try {
          await sendAlarmEvent(...what);
        } finally {
          done();
        }
      },
    },
  );
}

/** The story of each alarm as the receiver knows it: who said what, in order. */
function stories(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { event } of receiver.received) {
    const data = event["data"] as { readonly type: string; readonly id: string };
    const name = `${data.type} ${data.id}`;
    found.set(name, [...(found.get(name) ?? []), `${String(event["type"]).split(".").at(-2)} by ${String(event["via"])}`]);
  }
  return found;
}

async function atNoc(): Promise<{ readonly alarms: readonly AlarmRow[]; readonly events: readonly EventRow[] }> {
  const gateway = await world.store.read.gateway("acme", "gw-sim-01");
  if (gateway === undefined) throw new Error("the NOC does not know the gateway");
  const alarms = await world.store.read.alarms(gateway.ref, true, 1_000);
  return { alarms, events: await world.store.read.events(gateway.ref, { limit: 1_000 }) };
}

describe("a long time without the line", () => {
  it("are told by the second path, and the NOC merges them to the same incidents without a message twice", async () => {
    world.start();
    await world.advance(10 * minute);
    world.order({ device: "fw-1", fault: "wan-down" });
    await world.advance(sixth);
    world.order({ device: "printer-1", fault: "power-off" });
    world.order({ device: "nas-1", fault: "fan-failed" });
    await world.advance(1.5 * sixth);
    world.order({ device: "printer-1", fault: "power-off", on: false });
    await world.advance(0.5 * sixth);
    // Also a restart of the gateway in the middle.
    await world.restart();
    await world.advance(3 * sixth);
    const duringOutage = receiver.received.length;
    expect(receiver.received.every(({ event }) => event["via"] === "gateway")).toBe(true);
    expect(receiver.story.join("\n")).toMatch(/raised .*(line|WAN)/);
    expect(receiver.story.join("\n")).toMatch(/raised .*fan/);
    expect(receiver.story.join("\n")).toMatch(/raised .*(printer|EX-Laser)/i);
    expect(receiver.story.join("\n")).toMatch(/cleared .*(printer|EX-Laser)/i);
    world.order({ device: "fw-1", fault: "wan-down", on: false });
    await world.advance(15 * minute);
    world.order({ device: "nas-1", fault: "fan-failed", on: false });
    await world.advance(15 * minute);

    expect({ duplicates: receiver.duplicates, badSignatures: receiver.badSignatures }).toEqual({ duplicates: 0, badSignatures: 0 });
    expect(receiver.received.length).toBeGreaterThan(duringOutage);
    if (process.env["GATEHOUSE_SHOW"] === "1") for (const [name, story] of stories()) console.log(name, story.join(", "));
    // Whoever raised an alarm there also ended it, and nobody else spoke of it.
    for (const [name, story] of stories()) {
      const teller = story[0]?.split(" by ")[1];
      expect(
        story.every((word) => word.endsWith(`by ${teller}`)),
        `${name}: ${story.join(", ")}`,
      ).toBe(true);
      expect(story.at(-1), `${name}: ${story.join(", ")}`).toMatch(/^cleared/);
    }
    const { alarms, events } = await atNoc();
    // One row per key, one raise per instance: the outage made no second incident of anything.
    const raised = events.filter(({ kind }) => kind === "alarm.raise").map(({ body }) => String(body["id"]));
    expect(new Set(raised).size).toBe(raised.length);
    expect(alarms.filter(({ cleared }) => !cleared)).toEqual([]);
    const fan = alarms.find(({ type }) => type === "systemFanStatus");
    expect(fan?.body["told"]).toEqual(["ops"]);
    // What happened after the return went the ordinary way.
    world.order({ device: "sw-2", fault: "power-off" });
    await world.advance(5 * minute);
    expect(receiver.received.at(-1)?.event["via"]).toBe("noc");
    expect(receiver.duplicates).toBe(0);
  }, 60_000);
});
