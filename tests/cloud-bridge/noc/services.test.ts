import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WantedService } from "#ports/catalogue.ts";
import { AuthorityStore } from "../../../cloud-bridge/noc/authority/authority-store.ts";
import { NocAuthority } from "../../../cloud-bridge/noc/authority/noc-authority.ts";
import { SigningKeys } from "../../../cloud-bridge/noc/authority/signing-keys.ts";
import { ServiceDesk } from "../../../cloud-bridge/noc/services/service-desk.ts";
import { quarantinedViews } from "../../../cloud-bridge/noc/services/service-view.ts";
import type { ReportedMessage } from "../../../cloud-bridge/protocol/messages/twin.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { openServiceDirectory } from "../../../runtime/parts-noc-services.ts";
import { until } from "../../integration/noc-peers.ts";
import { silentLogger } from "../../sim/silent-logger.ts";

const site = { tenant: "acme", gateway: "gw-1" } as const;
const unknown = { equipment: undefined, checks: undefined };
const clock = new SystemClock(() => true);
let folder = "";
let stop = new AbortController();
let authority: NocAuthority;
let desk: ServiceDesk;
let running: Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "noc-services-"));
  stop = new AbortController();
  const keys = await SigningKeys.open(join(folder, "keys"), () => clock.now().wallMs / 1_000);
  const store = new AuthorityStore(folder);
  const line = { brokerUrl: "mqtt://127.0.0.1:1", tenants: ["acme"] };
  authority = new NocAuthority({ ...line, store, keys, clock, entropy: systemEntropy, logger: silentLogger });
  desk = new ServiceDesk({ directory: openServiceDirectory(), authority, clock, logger: silentLogger });
  running = desk.run(stop.signal);
});

afterEach(async () => {
  stop.abort(new Error("test over"));
  await running;
  authority.store.close();
  rmSync(folder, { recursive: true, force: true });
});

const ups = (id: string, more: Readonly<Record<string, unknown>> = {}): WantedService => ({
  ...{ id, template: "ups-guardian", parameters: { equipment: "ups-1", ...more } },
});
const state = (id: string) => desk.list(site).find((one) => one.id === id);
const wanted = () => desk.list(site).flatMap((one) => (one.wanted ? [one.id] : []));

/** What the gateway says of a generation. */
function report(gen: number, phase: string, document: Readonly<Record<string, unknown>> = {}): void {
  const found = authority.sites.of(site.tenant, site.gateway);
  if (found === undefined) throw new Error("no site");
  const [held] = authority.store.documents(site.tenant, site.gateway);
  const docs = [{ id: "services", st: "applied", ...(held === undefined ? {} : { sha256: held.sha256 }), ...document }];
  const message: ReportedMessage = { v: 1, gen, phase, docs };
  authority.sites.reported(found, message, clock.now().wallMs);
  authority.news.announce();
}

describe("services at the NOC", () => {
  it("are checked against their template: everything wrong at once, each at its place", () => {
    const problems = desk.check(site, ups("one", { runtimeMin: 900, sillyName: 1, chargePercent: "much" }), unknown);
    expect(problems.map(({ path }) => path).sort()).toEqual([
      "/parameters/chargePercent",
      "/parameters/runtimeMin",
      "/parameters/sillyName",
    ]);
    expect(desk.check(site, { id: "Bad Id", template: "ups-guardian" }, unknown)).toMatchObject([{ path: "/id" }]);
    expect(desk.check(site, { id: "one", template: "nothing" }, unknown)).toMatchObject([
      { code: "E_UNKNOWN_TEMPLATE", path: "/template" },
    ]);
  });

  it("know the equipment of the site, where it is known", () => {
    const known = { equipment: new Set(["ups-2"]), checks: undefined };
    expect(desk.check(site, ups("one"), known)).toMatchObject([{ code: "E_UNKNOWN_EQUIPMENT", path: "/parameters/equipment" }]);
    expect(desk.check(site, ups("one"), unknown)).toEqual([]);
  });

  it("are healthy when their gateway has confirmed them", async () => {
    const { gen } = desk.activate(site, ups("one"), "anna");
    expect(state("one")).toMatchObject({ state: "on its way", step: "sent", by: "anna" });
    report(gen, "applying", {
      st: "pending",
      steps: [
        ["checked", 5],
        ["soaking", 90],
      ],
    });
    expect(state("one")).toMatchObject({ state: "on its way", step: "soaking" });
    report(gen, "ok", { st: "applied", steps: [["healthy", 5_090, "one"]] });
    await until("it is healthy", () => state("one")?.state === "healthy");
  });

  it("that a gateway refuses are taken out again with the reason, and the rest goes on", async () => {
    report(desk.activate(site, ups("good"), "anna").gen, "ok");
    await until("the first is healthy", () => state("good")?.state === "healthy");
    const { gen } = desk.activate(site, ups("bad"), "anna");
    const err = { code: "E_UNKNOWN_EQUIPMENT", path: "/services/1/parameters/equipment", msg: "there is no such equipment" };
    report(gen, "failed", { st: "failed", err });
    await until("it is refused", () => state("bad")?.state === "refused");
    expect(state("bad")).toMatchObject({ wanted: false, reason: "there is no such equipment" });
    expect(wanted()).toEqual(["good"]);
    expect(authority.view(site.tenant, site.gateway).gen).toBe(gen + 1);
  });

  it("that were changed for the worse become what they were", async () => {
    report(desk.activate(site, ups("one", { runtimeMin: 7 }), "anna").gen, "ok");
    await until("it is healthy", () => state("one")?.state === "healthy");
    const { gen } = desk.activate(site, ups("one", { runtimeMin: 9 }), "anna");
    report(gen, "ok", { st: "rolled-back", err: { code: "E_UNHEALTHY", path: "/services/0", msg: "service one: 3 errors" } });
    await until("it is rolled back", () => state("one")?.state === "rolled back");
    expect(state("one")).toMatchObject({ wanted: true, parameters: { runtimeMin: 7 }, reason: "service one: 3 errors" });
  });

  it("of two on their way only the culprit goes; the other is judged with the next generation", async () => {
    desk.activate(site, ups("bad"), "anna");
    const { gen } = desk.activate(site, ups("good"), "anna");
    report(gen, "failed", { st: "failed", err: { code: "E_PARAMETER", path: "/services/0/parameters/x", msg: "no" } });
    await until("the culprit is out", () => state("bad")?.state === "refused");
    expect(state("good")).toMatchObject({ state: "on its way", wanted: true });
    report(gen + 1, "ok");
    await until("the other is healthy", () => state("good")?.state === "healthy");
  });

  it("lose their line once they are deactivated, and keep their secrets to themselves", async () => {
    const backup = { id: "backup", template: "backup-freshness", parameters: { url: "https://b.example.net/", useToken: true } };
    const first = desk.activate(site, { ...backup, secrets: { apiToken: { $sealed: "hush.a.b.c.d" } } }, "anna");
    report(first.gen, "ok");
    await until("it is healthy", () => state("backup")?.state === "healthy");
    expect(state("backup")?.secrets).toEqual(["apiToken"]);
    expect(JSON.stringify(desk.list(site))).not.toContain("hush");
    // Changed without the secret being given again: it stays.
    expect(desk.check(site, backup, unknown)).toEqual([]);
    report(desk.deactivate(site, "backup", "anna").gen, "ok");
    await until("it is gone", () => state("backup") === undefined);
  });
});

it("shows a service as quarantined whose gateway raised the alarm after it was healthy, before the others", () => {
  const view = (id: string) => ({
    ...{ id, template: "x", title: "X", label: "X", plan: "", parameters: {}, secrets: [], wanted: true, state: "healthy" as const },
    ...{ step: "", steps: [], reason: "", atMs: 0, endedMs: 0, by: "", gen: 1 },
  });
  const alarms = [
    { type: "serviceQuarantined", text: "two was switched off alone: it hung", body: { tq: "two" } },
    { type: "other", text: "", body: { tq: "one" } },
  ];
  const shown = quarantinedViews([view("one"), view("two")], alarms).map(({ id, state, reason }) => [id, state, reason]);
  expect(shown).toEqual([
    ["two", "quarantined", "two was switched off alone: it hung"],
    ["one", "healthy", ""],
  ]);
});
