import { describe, expect, it } from "vitest";
import type { CheckReading, EquipmentFact, SiteFacts } from "../../runtime/alarms/verdict/site-facts.ts";
import { targetClassOf } from "../../runtime/alarms/verdict/target-class.ts";
import { verdictOf } from "../../runtime/alarms/verdict/verdict.ts";
import type { CheckResult } from "../../runtime/model/observation.ts";
import { StepClock } from "./alarm-doubles.ts";

const host = {
  interfaces: [{ name: "eth0", up: true, carrier: true, addresses: ["192.0.2.10"] }],
  defaultRoute: { gateway: "192.0.2.1", interfaceName: "eth0" },
  gatewayNeighbour: "stale",
  resolvers: ["192.0.2.1"],
} as const;

const device = (id: string, state: EquipmentFact["state"], more: Partial<EquipmentFact> = {}): EquipmentFact => ({
  ...{ id, name: id, address: `192.0.2.${20 + id.length}`, state, sinceMs: 0, parent: undefined, deviceClass: "switch" },
  ...more,
});

const check = (
  id: string,
  targetClass: CheckReading["targetClass"],
  state: CheckReading["state"],
  more: Partial<CheckReading> = {},
): CheckReading => ({
  ...{
    id,
    name: id,
    targetClass,
    host: `${id}.example.net`,
    state,
    stage: "connect",
    why: "no answer",
    sinceMs: 100,
    atMs: 200,
    publicHops: undefined,
  },
  ...more,
});

const site = (facts: Partial<SiteFacts> = {}): SiteFacts => ({
  host,
  equipment: [device("fw-1", "up", { address: "192.0.2.1", deviceClass: "firewall" }), device("sw-1", "up"), device("nas-1", "up")],
  checks: [
    check("router", "lan-gateway", "ok"),
    check("provider", "isp", "ok"),
    check("internet", "public", "ok"),
    check("crm", "service", "ok"),
    check("dns", "dns", "ok"),
  ],
  uplink: { state: "connected", answered: true, sinceMs: 0, reason: "", code: "" },
  isPowerOut: false,
  wanPortDown: undefined,
  ...facts,
});

const down = { state: "down", answered: false, sinceMs: 0, reason: "connection lost", code: "uplink.lost" } as const;
const withChecks = (...changed: readonly CheckReading[]) => site().checks.map((one) => changed.find(({ id }) => id === one.id) ?? one);
const allOut = [check("internet", "public", "failing"), check("crm", "service", "failing"), check("dns", "dns", "failing")];

describe("the verdict", () => {
  it.each([
    ["nothing", site(), "none"],
    ["a dead switch", site({ equipment: [device("fw-1", "up"), device("sw-1", "failing"), device("nas-1", "up")] }), "device"],
    [
      "what hangs behind it as well",
      site({ equipment: [device("fw-1", "up"), device("sw-1", "failing"), device("nas-1", "failing", { parent: "sw-1" })] }),
      "device",
    ],
    [
      "the gateway's own cable",
      site({
        host: { ...host, interfaces: [{ ...host.interfaces[0], carrier: false }] },
        equipment: [device("sw-1", "failing")],
        uplink: down,
      }),
      "gateway",
    ],
    [
      "everything silent at once",
      site({ equipment: ["fw-1", "sw-1", "nas-1"].map((id) => device(id, "failing")), checks: [], uplink: down }),
      "lan",
    ],
    [
      "everything silent, and the mains failed",
      site({ equipment: ["sw-1", "nas-1"].map((id) => device(id, "failing")), checks: [], uplink: down, isPowerOut: true }),
      "power",
    ],
    ["the mains, while the UPS holds", site({ isPowerOut: true }), "power"],
    [
      "the access line, by the router's port",
      site({ checks: withChecks(...allOut, check("provider", "isp", "failing")), uplink: down, wanPortDown: "port WAN is down" }),
      "line",
    ],
    [
      "the access line, by the provider's first address",
      site({ checks: withChecks(...allOut, check("provider", "isp", "failing")), uplink: down }),
      "line",
    ],
    ["the provider's network", site({ checks: withChecks(...allOut), uplink: down }), "isp"],
    [
      "name servers",
      site({ checks: withChecks(check("dns", "dns", "failing"), check("crm", "service", "failing", { stage: "resolve" })) }),
      "dns",
    ],
    ["one service", site({ checks: withChecks(check("crm", "service", "failing")) }), "service"],
    ["the NOC", site({ uplink: down }), "noc"],
    [
      "the router",
      site({
        equipment: [device("fw-1", "failing", { address: "192.0.2.1" }), device("sw-1", "up")],
        checks: withChecks(...allOut, check("router", "lan-gateway", "failing"), check("provider", "isp", "failing")),
        uplink: down,
      }),
      "device",
    ],
    ["nobody, where nothing outside was asked", site({ checks: [], uplink: { ...down, reason: "timeout" } }), "unknown"],
    ["the NOC's broker that refuses us", site({ checks: [], uplink: { ...down, code: "uplink.refused" } }), "noc"],
  ])("blames %s", (_what, facts, domain) => {
    const finding = verdictOf(facts);
    expect(finding.domain, finding.text).toBe(domain);
    if (domain !== "none") expect(finding.evidence.length).toBeGreaterThan(0);
  });

  it("says of a broker's closed port that nothing listens there, not that it lets nobody in", () => {
    const refused = { ...down, code: "uplink.unreachable", reason: "connect ECONNREFUSED 198.51.100.7:8883" };
    const alone = verdictOf(site({ checks: [], uplink: refused }));
    expect([alone.domain, alone.text]).toEqual([
      "noc",
      expect.stringMatching(/nothing listens at the broker's port.*is the broker running/),
    ]);
    expect(verdictOf(site({ uplink: refused })).text).toMatch(/^everything but the NOC can be reached; .*nothing listens/);
    expect(verdictOf(site({ checks: [], uplink: { ...down, code: "uplink.refused" } })).text).toContain("does not let the gateway in");
  });

  it("never calls an unreachable site a dead device, and its own outage never the customer's", () => {
    const facts = site({
      host: { ...host, interfaces: [{ ...host.interfaces[0], carrier: false }] },
      equipment: ["fw-1", "sw-1"].map((id) => device(id, "failing")),
      checks: withChecks(...allOut),
      uplink: down,
    });
    expect(verdictOf(facts).domain).toBe("gateway");
  });

  it("never takes an answer for silence, whatever was answered", () => {
    const refuses = "answers, but refuses the credential";
    const refusing = (id: string, more: Partial<EquipmentFact> = {}) => device(id, "failing", { complaint: refuses, ...more });
    const fw = refusing("fw-1", { address: "192.0.2.1" });
    // A password changed everywhere: the network and the way out are as they were.
    const all = verdictOf(site({ equipment: [fw, refusing("sw-1"), refusing("nas-1")], checks: [], uplink: down }));
    expect(all.domain, all.text).not.toBe("lan");
    const one = verdictOf(site({ equipment: [fw, device("sw-1", "up")] }));
    expect(one).toMatchObject({ domain: "device", text: `fw-1 ${refuses}`, subject: "fw-1" });
    expect(JSON.stringify(one.evidence)).not.toContain("do not answer");
    const lost = verdictOf(site({ equipment: [fw, device("sw-1", "up")], checks: withChecks(...allOut).slice(1), uplink: down }));
    expect(lost).toMatchObject({ domain: "isp" });
    const both = verdictOf(site({ equipment: [device("sw-1", "failing"), refusing("nas-1"), device("fw-1", "up")] }));
    expect([both.text, both.subject]).toEqual(["sw-1 does not answer", "sw-1"]);
    expect(both.evidence.map(({ text }) => text)).toEqual(
      expect.arrayContaining(["1 of 3 devices do not answer: sw-1", `nas-1 ${refuses}`]),
    );
    const few = verdictOf(site({ equipment: [refusing("sw-1"), refusing("nas-1"), device("fw-1", "up")] }));
    expect(few).toMatchObject({ domain: "device", text: "sw-1, nas-1 answer, but not as they should" });
  });

  it("counts what answers and is not named like what is", () => {
    const silent = ["sw-1", "nas-1"].map((id) => device(id, "failing"));
    const named = verdictOf(site({ equipment: [...silent, ...["ap-1", "ap-2", "ap-3"].map((id) => device(id, "up"))] }));
    expect(verdictOf(site({ equipment: silent, othersUp: 3 }))).toEqual(named);
    expect(JSON.stringify(named.evidence)).toContain("2 of 5 devices");
  });

  it("does not blame names when packets get lost", () => {
    const lossy = withChecks(check("dns", "dns", "failing"), check("internet", "public", "doubtful"), check("provider", "isp", "failing"));
    expect(verdictOf(site({ checks: lossy })).domain).toBe("isp");
  });
});

describe("a check's target", () => {
  const result = (more: Partial<CheckResult>): CheckResult => ({
    kind: "check",
    check: "x",
    observedAt: new StepClock().now(),
    ok: true,
    vantage: "",
    evidence: {},
    ...more,
  });

  it.each([
    ["192.0.2.1", "icmp", "lan-gateway"],
    ["192.168.7.7", "tcp", "lan"],
    ["203.0.113.9", "icmp", "public"],
    ["https://crm.example.net/login", "http", "service"],
    ["noc.example.net:8883", "tcp", "noc"],
    ["example.net", "dns", "dns"],
  ] as const)("%s by %s stands for %s", (target, type, expected) => {
    expect(targetClassOf(result({ target, type }), host, "noc.example.net")).toBe(expected);
  });

  it("stands for what the check says itself", () => {
    expect(targetClassOf(result({ target: "203.0.113.9", type: "icmp", evidence: { targetClass: "isp" } }), host, undefined)).toBe("isp");
  });
});
