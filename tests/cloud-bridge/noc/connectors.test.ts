import { isDeepStrictEqual } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AlarmChange, Observation } from "#model/observation.ts";
import { Connector } from "../../../cloud-bridge/noc/connectors/connector.ts";
import type { ConnectorCounts } from "../../../cloud-bridge/noc/store/outgoing.ts";
import { elementText } from "../../../cloud-bridge/protocol/codec/observation-json.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { alarm, cleared } from "../notify/alarms.ts";
import { WebhookReceiver } from "../notify/receiver.ts";
import { IngestKit } from "./ingest-kit.ts";

const secret = "a-key-that-nobody-guesses-1";
const startMs = Date.UTC(2026, 10, 21, 12);

describe("the NOC's connectors", () => {
  let kit: IngestKit;
  let clock: VirtualClock;
  let receiver: WebhookReceiver;
  let stop: AbortController;
  let running: Promise<void>;
  let connector: Connector;
  let seq: number;

  beforeEach(async () => {
    kit = new IngestKit();
    clock = new VirtualClock(startMs);
    receiver = await WebhookReceiver.start(secret);
    seq = 0;
    start();
    // A new connector begins at the present: it must have looked once.
    await clock.advance(1_500);
  });

  afterEach(async () => {
    stop.abort(new Error("over"));
    await running;
    await receiver.stop();
    await kit.close();
  });

  function start(rules: { readonly holdMs?: number; readonly tenants?: readonly string[] } = {}): void {
    stop = new AbortController();
    connector = new Connector(
      {
        rules: { name: "ops", tenants: [], minSeverity: "major", holdMs: 0, ...rules },
        // Virtual time runs while the receiver answers in real time.
        target: { url: receiver.url, secret, timeoutMs: 400_000_000 },
        maxPerMinute: 600,
      },
      { store: kit.store.outgoing, clock, entropy: seededEntropy(1), logger: silentLogger },
    );
    running = connector.run(stop.signal);
  }

  async function restart(rules: Parameters<typeof start>[0] = {}): Promise<void> {
    stop.abort(new Error("restart"));
    await running;
    start(rules);
  }

  /** As it comes in from a gateway, `agoMs` after it happened. */
  async function happens(agoMs: number, ...observations: readonly Exclude<Observation, { kind: "report" }>[]): Promise<void> {
    const nowMs = clock.now().wallMs;
    kit.clock.wall = nowMs;
    const elements = observations.map((one) => ({ ...(JSON.parse(elementText(one)) as object), t: nowMs - agoMs }));
    seq += 1;
    await kit.receive("ev", new TextEncoder().encode(JSON.stringify({ v: 1, s: "abcabcabca10", q: seq, at: nowMs, e: elements })));
  }

  /** The receiver is a real one: time waits for its answers. */
  async function pass(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= 1_000) {
      await clock.advance(Math.min(1_000, leftMs));
      await new Promise((resolve) => void setTimeout(resolve, 2));
    }
  }

  async function received(count: number): Promise<void> {
    for (let turn = 0; turn < 300 && receiver.received.length < count; turn++) await pass(1_000);
    expect(receiver.received).toHaveLength(count);
  }

  async function counted(counts: ConnectorCounts, stepMs: number): Promise<void> {
    for (let turn = 0; turn < 300 && !isDeepStrictEqual(await kit.store.outgoing.counts("ops"), counts); turn++) {
      await clock.advance(stepMs);
      await pass(1_000);
    }
    expect(await kit.store.outgoing.counts("ops")).toEqual(counts);
  }

  function delivered(change: AlarmChange, path = "ops"): Exclude<Observation, { kind: "report" }> {
    return {
      kind: "event",
      type: "notify.delivered",
      source: "gateway",
      severity: "indeterminate",
      text: "told",
      observedAt: change.observedAt,
      attributes: { path, kind: "webhook", key: change.key, id: change.id, rev: change.rev, clr: change.cleared },
    };
  }

  it("pass on an alarm, its change of severity and its clear, signed and in order", async () => {
    const raised = alarm("a");
    await happens(100, raised);
    await received(1);
    await happens(100, { ...raised, op: "change", rev: 2, severity: "critical" });
    await happens(100, { ...raised, op: "change", rev: 3, severity: "critical", text: "the same, in other words" });
    await happens(100, { ...cleared(raised), rev: 4 });
    await received(3);
    expect(receiver.received.map(({ id }) => id)).toEqual([1, 2, 4].map((revision) => `${raised.id}:${revision}`));
    expect(receiver.received[0]?.event).toMatchObject({ via: "noc", source: "/gatehouse/acme/gw/gw-one", alarmkey: raised.key });
    expect(receiver.badSignatures).toBe(0);
    expect(receiver.duplicates).toBe(0);
  });

  it("leave out the less severe, the suppressed, other tenants and what the receiver itself caused", async () => {
    await happens(100, alarm("a", { severity: "minor" }), alarm("b", { attributes: { root: "sw-1" } }), cleared(alarm("c")));
    await happens(100, alarm("d", { attributes: { origin: "ops" } }));
    await pass(3_000);
    await restart({ tenants: ["other"] });
    await happens(100, alarm("e"));
    await pass(3_000);
    expect(receiver.received).toHaveLength(0);
  });

  it("leave to the gateway what it has told the receiver itself, in whatever order the news arrive", async () => {
    const [before, after] = [alarm("a"), alarm("b")];
    await happens(3_600_000, before, delivered(before), cleared(before));
    await happens(3_600_000, after);
    await pass(5_000);
    await happens(3_000_000, delivered(after));
    await happens(100, cleared(after));
    await pass(60_000);
    expect(receiver.received).toHaveLength(0);
    expect(connector.status().toldByGateway).toBeGreaterThan(0);
  });

  it("pass on what came out of an outage and nobody was told of", async () => {
    const raised = alarm("a");
    await happens(3_600_000, raised, delivered(raised, "another-receiver"), cleared(raised));
    await received(2);
    expect(receiver.duplicates).toBe(0);
  });

  it("say nothing of what came and went within the hold time", async () => {
    await restart({ holdMs: 120_000 });
    await happens(100, alarm("a"), alarm("b"));
    await pass(30_000);
    await happens(100, cleared(alarm("a")));
    await received(1);
    expect(receiver.received[0]?.event["alarmkey"]).toBe(alarm("b").key);
  });

  it("send each once across restarts and repeated deliveries", async () => {
    await happens(100, alarm("a"));
    // Until its answer is on disk: a stop between the two repeats it, with the same id.
    await counted({ dead: 0, waiting: 0, sent: 1 }, 1_000);
    await restart();
    await happens(100, alarm("a"));
    await pass(10_000);
    expect(receiver.received).toHaveLength(1);
  });

  it("try again with pauses that grow, and hold back the clear until the raise is there", async () => {
    let refusals = 3;
    receiver.answer = (response) => void response.writeHead(refusals-- > 0 ? 503 : 204).end();
    await happens(100, alarm("a"));
    await pass(2_000);
    await happens(100, cleared(alarm("a")));
    await received(5);
    expect(receiver.received.map(({ id }) => Number(id.split(":")[1]))).toEqual([1, 1, 1, 1, 2]);
    expect(receiver.duplicates).toBe(0);
  });

  it("set aside after eight refusals, and try again when a person says so", async () => {
    receiver.answer = (response) => void response.writeHead(400).end();
    await happens(100, alarm("a"));
    await pass(3_000);
    await counted({ dead: 1, waiting: 0, sent: 0 }, 3_600_000);
    expect(receiver.received).toHaveLength(8);
    expect(await kit.store.outgoing.deadLetters("ops", 10)).toMatchObject([{ attempts: 8, reason: expect.stringContaining("HTTP 400") }]);
    receiver.answer = (response) => void response.writeHead(204).end();
    await kit.store.outgoing.revive("ops", clock.now().wallMs);
    await counted({ dead: 0, waiting: 0, sent: 1 }, 1_000);
    expect(receiver.received).toHaveLength(9);
  });

  it("keep what a receiver that is away has not taken", async () => {
    const { port } = receiver;
    await receiver.stop();
    await happens(100, alarm("a"), alarm("b"));
    for (let hour = 0; hour < 300 && (hour < 12 || connector.status().breaker !== "open"); hour++) {
      await clock.advance(3_600_000);
      await pass(1_000);
    }
    expect(connector.status().breaker).toBe("open");
    expect(await kit.store.outgoing.counts("ops")).toMatchObject({ waiting: 2, dead: 0 });
    receiver = await WebhookReceiver.start(secret, undefined, port);
    await clock.advance(3_700_000);
    await received(2);
  });

  it("show with the alarm whom the gateway told", async () => {
    const raised = alarm("a");
    await happens(3_600_000, raised, delivered(raised, "ops"), delivered(raised, "duty"));
    await happens(100, { ...raised, op: "change", rev: 2, severity: "critical" });
    const [row] = await kit.store.read.alarms((await kit.gateway()).ref, false, 10);
    expect(row).toMatchObject({ revision: 2, severity: "critical", body: { told: ["ops", "duty"] } });
  });
});
