import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LiveFeed } from "../../../cloud-bridge/noc/api/live-feed.ts";
import { type ApiServer, createApi } from "../../../cloud-bridge/noc/api/server.ts";
import { Connectors } from "../../../cloud-bridge/noc/connectors/connectors.ts";
import { OfflineWatch } from "../../../cloud-bridge/noc/ingest/offline-watch.ts";
import type { AlarmView } from "../../../cloud-bridge/noc/registry/alarms.ts";
import { formatState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import type { AlarmChange, Event } from "../../../runtime/model/observation.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { IngestKit } from "./ingest-kit.ts";
import { equipmentId, instant, SmallGateway } from "./small-gateway.ts";

const token = "0123456789abcdef".repeat(4);
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
const minute = 60_000;

/** One change of the alarm `name`, `atMs` after the test's beginning. */
function change(kit: IngestKit, name: string, rev: number, atMs: number, more: Partial<AlarmChange> = {}): AlarmChange {
  const at = instant({ wallMs: 1_800_000_000_000 + atMs, monotonicMs: 5_000_000 + atMs });
  void kit;
  return {
    ...{ kind: "alarm", op: rev === 1 ? "raise" : "change", id: `01K9ZQ3C5T4M8Y2X7W6V5B4N${name}`, key: `a1:${name}`, rev, path: "" },
    ...{ equipment: equipmentId("sw-1"), type: "linkDown", qualifier: "", severity: "major", cleared: false, text: `alarm ${name}` },
    ...{ observedAt: at, raisedAt: instant({ wallMs: 1_800_000_000_000, monotonicMs: 5_000_000 }), changes: rev, attributes: {} },
    ...more,
  };
}

function listed(keys: readonly string[], atMs: number, part = 1, parts = 1): Event {
  const observedAt = instant({ wallMs: 1_800_000_000_000 + atMs, monotonicMs: 5_000_000 + atMs });
  const attributes = { list: `b/${atMs}`, part, parts, keys: keys.map((key) => [`a1:${key}`, 1, "major"]) };
  return { kind: "event", type: "alarm.list", source: "gateway", severity: "indeterminate", text: "", observedAt, attributes };
}

/** The kit's time of day; sleeping takes real time, or the live feed would spin. */
function handOf(kit: IngestKit): Clock {
  const real = new SystemClock(() => true);
  return {
    now: () => kit.clock.now(),
    monotonicMs: () => real.monotonicMs(),
    sleep: (ms, signal) => real.sleep(ms, signal),
    anchors: () => [],
  };
}

describe("the NOC's alarms", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;
  let stop: AbortController;
  let api: ApiServer;
  let running: Promise<void>;
  let url: string;
  let orders: { readonly gateway: string; readonly operation: string; readonly args: unknown }[];

  beforeEach(async () => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
    stop = new AbortController();
    orders = [];
    api = createApi({
      ...{ listen: { host: "127.0.0.1", port: 0 }, token, store: kit.store, decoder: kit.decoder, feed: new LiveFeed() },
      connectors: new Connectors([], { store: kit.store.outgoing, clock: kit.clock, entropy: systemEntropy, logger: silentLogger }),
      ...{ clock: handOf(kit), entropy: systemEntropy, logger: silentLogger, version: "1.2.3" },
      pages: async () => ({ html: "", script: "", style: "" }),
      status: () => {
        throw new Error("not asked for");
      },
      orders: async ({ id }, operation, args) => void orders.push({ gateway: id, operation, args }),
    });
    running = api.run(stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    url = await api.url;
    await kit.online();
  });

  afterEach(async () => {
    stop.abort(new Error("test over"));
    await running;
    await kit.close();
  });

  const tell = (...observations: readonly (AlarmChange | Event)[]) =>
    kit.receive("ev", ...observations.map((one) => gateway.tell(one).bytes));
  const alarms = async (query = ""): Promise<readonly AlarmView[]> => {
    const response = await fetch(`${url}/api/alarms?${query}`, { headers });
    return ((await response.json()) as { readonly alarms: readonly AlarmView[] }).alarms;
  };
  const post = async (path: string, body: unknown = null) =>
    fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });

  it("are what the newest revision says, in whatever order and however often changes come", async () => {
    const changes = [1, 2, 3].map((rev) => change(kit, "aaaa", rev, rev * 1_000, { severity: rev === 3 ? "critical" : "minor" }));
    const chunks = changes.map((one) => gateway.tell(one).bytes);
    for (const index of [2, 0, 1, 2, 0]) await kit.receive("ev", chunks[index] ?? new Uint8Array());
    expect((await alarms()).map(({ severity, changes: count }) => [severity, count])).toEqual([["critical", 3]]);
  });

  it("are closed when the gateway no longer lists them: a lost clear repairs itself", async () => {
    await tell(change(kit, "aaaa", 1, 0), change(kit, "bbbb", 1, 0));
    await tell(listed(["bbbb"], minute));
    expect((await alarms()).map(({ key }) => key)).toEqual(["a1:bbbb"]);
    const { events } = (await (await fetch(`${url}/api/gateways/gw-one/events`, { headers })).json()) as {
      readonly events: readonly { readonly kind: string }[];
    };
    expect(events.map(({ kind }) => kind)).toContain("alarm.clear");
    expect(events.map(({ kind }) => kind)).not.toContain("alarm.list");
  });

  it("that began after the list was made are left alone by it, and a list in parts counts when it is whole", async () => {
    await tell(change(kit, "aaaa", 1, 2 * minute), change(kit, "bbbb", 1, 0));
    await tell(listed([], minute, 1, 2));
    expect(await alarms()).toHaveLength(2);
    await tell(listed([], minute, 2, 2));
    expect((await alarms()).map(({ key }) => key)).toEqual(["a1:aaaa"]);
  });

  it("come back when a change was only late", async () => {
    await tell(change(kit, "aaaa", 1, 0));
    await tell(listed([], minute));
    expect(await alarms()).toHaveLength(0);
    await tell(change(kit, "aaaa", 2, 2 * minute));
    expect(await alarms()).toHaveLength(1);
  });

  it("that follow from others, are planned or shelved are no incidents", async () => {
    await tell(
      change(kit, "aaaa", 1, 0),
      change(kit, "bbbb", 1, 0, { attributes: { root: "a1:aaaa" } }),
      change(kit, "cccc", 1, 0, { attributes: { maint: "w1" } }),
      change(kit, "dddd", 1, 0, { attributes: { shelved: "s1" } }),
    );
    expect((await alarms("incidents=true")).map(({ key, followers }) => [key, followers])).toEqual([["a1:aaaa", 1]]);
    const follower = (await alarms()).find(({ key }) => key === "a1:bbbb");
    expect(follower?.root).toEqual({ key: "a1:aaaa", text: "alarm aaaa" });
  });

  it("are acknowledged, commented and closed by people, until they happen anew", async () => {
    await tell(change(kit, "aaaa", 1, 0));
    expect((await post("/api/gateways/gw-one/alarms/a1:aaaa/acknowledge", { by: "anna" })).status).toBe(200);
    expect((await post("/api/gateways/gw-one/alarms/a1:aaaa/comment", { by: "anna", text: "on my way" })).status).toBe(200);
    expect((await alarms())[0]?.ack?.by).toBe("anna");
    await post("/api/gateways/gw-one/alarms/a1:aaaa/close", { by: "bert" });
    expect(await alarms("incidents=true")).toEqual([]);
    expect(orders).toEqual([{ gateway: "gw-one", operation: "alarm.close", args: { key: "a1:aaaa", by: "bert" } }]);
    const detail = (await (await fetch(`${url}/api/gateways/gw-one/alarms/a1:aaaa`, { headers })).json()) as {
      readonly comments: readonly { readonly text: string }[];
    };
    expect(detail.comments.map(({ text }) => text)).toEqual(["on my way"]);
    await tell(change(kit, "aaaa", 1, minute, { id: "01K9ZQ3C5T4M8Y2X7W6V5B4Nzzzz" }));
    expect((await alarms("incidents=true"))[0]).toMatchObject({ ack: null, closed: null });
  });

  it("on a shelf are hidden at once, the gateway is told, and they return when it is taken away", async () => {
    await tell(change(kit, "aaaa", 1, 0), change(kit, "bbbb", 1, 0, { equipment: equipmentId("fw-1") }));
    const response = await post("/api/alarm-shelves", {
      tenant: "acme",
      gateway: "gw-one",
      equipment: "sw-*",
      forMs: 3_600_000,
      reason: "moved",
      by: "anna",
    });
    const shelf = (await response.json()) as { readonly id: string };
    expect((await alarms("incidents=true")).map(({ equipment }) => equipment)).toEqual(["fw-1"]);
    expect(orders[0]).toMatchObject({ operation: "alarm.shelve", args: { match: { equipment: "sw-*" }, by: "anna" } });
    await fetch(`${url}/api/alarm-shelves/${shelf.id}`, { method: "DELETE", headers: { authorization: headers.authorization } });
    expect(await alarms("incidents=true")).toHaveLength(2);
    kit.clock.wall += 7_200_000;
    expect((await post("/api/alarm-shelves", { tenant: "acme", forMs: 3_600_000, reason: "x" })).status).toBe(400);
  });

  it("tell of gateways that are gone, after a while, and that they are back", async () => {
    const watch = new OfflineWatch({ store: kit.store, clock: kit.clock, onChanged: () => undefined });
    await tell(change(kit, "aaaa", 1, 0));
    await kit.receive("state", formatState({ v: 1, on: false, conn: 1, boot: "b0070001", why: "will" }));
    kit.clock.wall += minute;
    await watch.look();
    expect((await alarms()).map(({ type }) => type)).toEqual(["linkDown"]);
    kit.clock.wall += 2 * minute;
    await watch.look();
    await watch.look();
    expect((await alarms()).map(({ type, stale }) => [type, stale])).toEqual([
      ["gatewayOffline", false],
      ["linkDown", true],
    ]);
    await tell(listed(["aaaa"], 3 * minute));
    expect(await alarms()).toHaveLength(2);
    await kit.online("gw-one", 2);
    await watch.look();
    expect((await alarms()).map(({ type }) => type)).toEqual(["linkDown"]);
  });

  it("of foreign keys, gateways and nonsense are refused with a reason", async () => {
    await tell(change(kit, "aaaa", 1, 0));
    expect((await post("/api/gateways/gw-one/alarms/a1:nope/acknowledge")).status).toBe(400);
    expect((await post("/api/gateways/gw-two/alarms/a1:aaaa/acknowledge")).status).toBe(400);
    expect((await post("/api/gateways/gw-one/alarms/a1:aaaa/comment", { text: "" })).status).toBe(400);
    expect((await fetch(`${url}/api/alarms?severity=loud`, { headers })).status).toBe(400);
    expect((await fetch(`${url}/api/alarms`)).status).toBe(401);
  });
});
