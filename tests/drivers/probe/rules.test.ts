import { describe, expect, it } from "vitest";
import { metricsOf } from "../../../drivers/probe/metrics.ts";
import { type CheckType, checkTypes } from "../../../runtime/model/check.ts";
import { definitionOf, proberFor, problemsOf } from "./probe-kit.ts";

const targets: Readonly<Record<CheckType, string>> = {
  icmp: "192.0.2.1",
  tcp: "192.0.2.1:25",
  tls: "[2001:db8::1]:443",
  http: "https://www.example.net/",
  dns: "www.example.net",
  ntp: "ntp.example.net",
  udp: "branch.example.net:8442",
  path: "www.example.net",
};

const http = (settings: Readonly<Record<string, unknown>>, target = targets.http) => problemsOf({ type: "http", target, settings });

describe("the rules of checks", () => {
  it.each(checkTypes)("accept a plain check of type %s, know what it costs and what it yields", (type) => {
    const asked = { type, target: targets[type] };
    expect(problemsOf(asked)).toEqual([]);
    const { bytes, packets } = proberFor().rules.estimate(definitionOf(asked));
    expect(bytes).toBeGreaterThan(packets * 20);
    const { state, timing } = metricsOf(definitionOf(asked));
    expect([state[0]?.name, timing[0]?.name]).toEqual(["up", "latency"]);
  });

  it.each<[string, CheckType, string]>([
    ["an option of a program", "icmp", "-f"],
    ["half an address", "icmp", "192.168.1"],
    ["an address out of range", "path", "300.1.1.1"],
    ["a host without port", "tcp", "192.0.2.1"],
    ["port 0", "tls", "host:0"],
    ["a port too large", "udp", "host:70000"],
    ["a URL for a name", "dns", "http://x/ y"],
    ["another scheme", "http", "ftp://x/"],
    ["a password in the URL", "http", "https://bob:pw@x/"],
    ["a shell", "ntp", "$(reboot)"],
  ])("refuse %s as target", (_name, type, target) => {
    expect(problemsOf({ type, target }).map((problem) => problem.pointer)).toEqual(["/target"]);
  });

  it("refuse a run that is longer than its interval, and one that cannot end in its time", () => {
    expect(problemsOf({ type: "tcp", target: targets.tcp, timeoutMs: 60_000 })).toMatchObject([{ pointer: "/timeoutMs" }]);
    for (const [type, settings] of [
      ["icmp", { packets: 20, spacingMs: 1_000 }],
      ["udp", { packets: 1_000, spacingMs: 20 }],
      ["ntp", { samples: 8 }],
    ] as const) {
      expect(problemsOf({ type, target: targets[type], settings })).toMatchObject([{ pointer: "/timeoutMs" }]);
    }
  });

  it.each([
    ["more body than there is room for", { maxBodyBytes: 100, expect: { maxBytes: 1_000 } }, "/settings/expect/maxBytes"],
    ["a text longer than the body may be", { maxBodyBytes: 3, expect: { contains: ["hello"] } }, "/settings/expect/contains/0"],
    ["a body of HEAD", { method: "HEAD", expect: { contains: ["x"] } }, "/settings/expect"],
    ["a body that is not read", { maxBodyBytes: 0, expect: { json: [{ pointer: "" }] } }, "/settings/expect"],
    ["no status at all", { expect: { status: [] } }, "/settings/expect/status"],
    ["what it forbids", { expect: { contains: ["not found"], notContains: ["found"] } }, "/settings/expect/contains/0"],
    ["a least above the greatest", { expect: { json: [{ pointer: "/a", min: 2, max: 1 }] } }, "/settings/expect/json/0"],
    ["a value that must not exist", { expect: { json: [{ pointer: "/a", exists: false, equals: 1 }] } }, "/settings/expect/json/0"],
    ["a header that contradicts itself", { expect: { header: [{ name: "a", equals: "x", contains: "y" }] } }, "/settings/expect/header/0"],
    ["to be slower than it may run", { expect: { maxMs: 20_000 } }, "/settings/expect/maxMs"],
    ["a pattern that looks ahead", { expect: { matches: ["(?=x)"] } }, "/settings/expect/matches/0"],
  ])("refuse an answer that is to hold %s", (_name, settings, pointer) => {
    expect(http(settings).map((problem) => problem.pointer)).toEqual([pointer]);
  });

  it("refuse requests that make no sense", () => {
    expect(http({ body: "x", form: { a: "b" } }).map((one) => one.pointer)).toEqual(["/settings", "/settings/method"]);
    expect(http({ auth: "basic" })).toMatchObject([{ pointer: "/settings/auth", sentence: "needs a credential" }]);
    expect(http({ headers: { Host: "x", "content-length": "5" } }).map((one) => one.pointer)).toEqual([
      "/settings/headers/Host",
      "/settings/headers/content-length",
    ]);
    expect(http({ tls: { ca: "x", verify: false } }).map((one) => one.pointer)).toEqual(["/settings/tls/ca", "/settings/tls/ca"]);
    expect(http({ tls: { minDays: 5 } }, "http://x/")).toMatchObject([{ sentence: "has no effect with http://" }]);
  });

  it("refuse steps that use what no earlier step gives, and names that come twice", () => {
    const steps = [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the check's own placeholders
      { name: "one", url: "/${later}", extract: [{ name: "later", json: "/a", header: "b" }] },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the check's own placeholders
      { name: "one", url: "/${later}", headers: { a: "${credential.token}" } },
    ];
    expect(http({ steps }).map((one) => one.pointer)).toEqual([
      "/settings/steps/0",
      "/settings/steps/0/extract/0",
      "/settings/steps/1/name",
      "/settings/steps/1",
    ]);
    expect(http({ steps: [], body: "x" }).map((one) => one.pointer)).toContain("/settings/steps");
  });

  it("refuse answers that a name server cannot give", () => {
    const dns = (settings: Readonly<Record<string, unknown>>) =>
      problemsOf({ type: "dns", target: targets.dns, settings }).map((one) => one.pointer);
    expect(dns({ type: "A", expect: ["2001:db8::1"] })).toEqual(["/settings/expect/0"]);
    expect(dns({ type: "MX", expect: ["mail.example.net"] })).toEqual(["/settings/expect/0"]);
    expect(dns({ rcode: "NXDOMAIN", expect: ["192.0.2.1"] })).toEqual(["/settings/expect"]);
    expect(dns({ expect: [], match: "any" })).toEqual(["/settings/expect"]);
    expect(dns({ server: "1.2.3" })).toEqual(["/settings/server"]);
  });
});
