import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parseSyslog } from "../../../drivers/notifications/syslog-message.ts";
import { SyslogReceiver, type SyslogReceiverOptions } from "../../../drivers/notifications/syslog-receiver.ts";
import { type SyslogRule, SyslogRules } from "../../../drivers/notifications/syslog-rules.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { until } from "../simulated/running-site.ts";
import { CollectingSink, equipmentId, sendDatagram, startReceiver } from "./receiving.ts";

const parse = (text: string) => parseSyslog(Buffer.from(text));
const haveLogger = spawnSync("logger", ["--version"]).error === undefined;

describe("syslog messages", () => {
  it("of RFC 5424 give all their fields", () => {
    expect(
      parse('<165>1 2026-10-11T22:14:15.003Z host.example.com evntslog 17 ID47 [ex@32473 iut="3" q="a\\"b\\]"][y@32473] \ufeffAn event'),
    ).toEqual({
      format: "rfc5424",
      facility: 20,
      severity: 5,
      time: "2026-10-11T22:14:15.003Z",
      hostname: "host.example.com",
      app: "evntslog",
      processId: "17",
      messageId: "ID47",
      structured: { "ex@32473.iut": "3", "ex@32473.q": 'a"b]' },
      text: "An event",
      truncated: false,
    });
    expect(parse("<34>1 - - - - - - nothing")).toEqual({
      format: "rfc5424",
      facility: 4,
      severity: 2,
      structured: {},
      text: "nothing",
      truncated: false,
    });
  });

  it.each([
    ["<34>Oct 11 22:14:15 mymachine su: failed", { time: "Oct 11 22:14:15", hostname: "mymachine", app: "su", text: "failed" }],
    ["<13>Feb  5 17:32:18 10.0.0.99 sshd[4711]: x", { hostname: "10.0.0.99", app: "sshd", processId: "4711", text: "x" }],
    ["<30>2026-03-01T10:00:00.5+01:00 nas smbd[1]: y", { time: "2026-03-01T10:00:00.5+01:00", hostname: "nas", app: "smbd", text: "y" }],
    [
      "<189>4711: *Mar  1 2026 00:01:02.123 UTC: %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
      { mnemonic: "LINK-3-UPDOWN", severity: 5, time: "Mar  1 2026 00:01:02.123 UTC" },
    ],
  ])("in the shapes of RFC 3164: %s", (line, expected) => {
    expect(parse(line)).toMatchObject({ format: "rfc3164", ...expected });
  });

  it("without anything are notices of facility user", () => {
    expect(parse("hello")).toMatchObject({ format: "bare", facility: 1, severity: 5, text: "hello" });
    expect(parse("<999>hello")).toMatchObject({ format: "bare", facility: 1, severity: 5, text: "<999>hello" });
    expect(parse("")).toMatchObject({ text: "" });
  });

  it("survive bad UTF-8, a character cut in two, NULs, colours and direction overrides", () => {
    expect(parseSyslog(Buffer.from([0x3c, 0x31, 0x33, 0x3e, 0x54, 0xfc, 0x72])).text).toBe("Tür");
    expect(parseSyslog(Buffer.from("<13>door: öffnen ä").subarray(0, -1)).text).toBe("öffnen");
    expect(parse("<13>a\u0000b\u001b[31mc\u202ed\n").text).toBe("a b [31mc d");
  });
});

describe("syslog rules", () => {
  const link: SyslogRule = {
    name: "port",
    match: { contains: ["STATE TO"], regex: "interface (?<interface>[\\w/.]+), changed state to (?<state>up|down)" },
    type: "port-state",
    severity: "major",
  };

  it("match in order and turn named groups into tags", () => {
    const rules = new SyslogRules([link, { name: "late", match: { contains: ["interface"] }, type: "late" }]);
    expect(rules.match(parse("<189>1: %LINK-3-UPDOWN: Interface Gi0/1, changed state to down"))).toEqual({
      rule: "port",
      type: "port-state",
      severity: "major",
      tags: { interface: "Gi0/1", state: "down" },
    });
    expect(rules.match(parse("<11>Interface idle"))).toMatchObject({ rule: "late", severity: "major" });
    expect(rules.match(parse("<13>nothing of that"))).toBeUndefined();
  });

  it.each([
    ["(.)\\1", "no back references"],
    ["(?=x)y", "looks"],
    ["(a{100}){100}", "too large"],
    ["(", "without a )"],
    ["x".repeat(300), "longer"],
  ])("refuse %s", (pattern, reason) => {
    const rules = new SyslogRules([{ name: "bad", match: { regex: pattern }, type: "x" }, link]);
    expect(rules.problems).toEqual([{ rule: "bad", problem: expect.stringContaining(reason) }]);
    expect(rules.size).toBe(1);
  });

  it.each([
    ["^login failed for (?<user>\\S+) from [\\d.]+$", "Login failed for admin from 192.0.2.7", { user: "admin" }],
    ["(?:up|down)", "port Down", {}],
    ["[a-z)(*+]+x", "(*x", {}],
    ["a{2,4}(b|c)d?", "aac", {}],
    ["\\(a+\\)*", "(a", {}],
    // What RegExp would try every way of: a repeat within a repeat, and many of them one after the other.
    ["(?<all>(a+)+)b", `${"a".repeat(400)}b`, { all: "a".repeat(240) }],
    [".*.*.*.*.*x", `${"a".repeat(400)}x`, {}],
  ])("match %s", (pattern, text, tags) => {
    const rules = new SyslogRules([{ name: "own", match: { regex: pattern }, type: "x" }]);
    expect(rules.problems).toEqual([]);
    expect(rules.match(parse(`<13>${text}`))?.tags).toEqual(tags);
    expect(rules.match(parse(`<13>${"a".repeat(500)}`))).toBeUndefined();
  });
});

describe("the syslog receiver", () => {
  it("makes events with its own clock's time, keeps what matters, drops what a rule drops", async () => {
    const sink = new CollectingSink();
    const receiver = new SyslogReceiver(options(sink, { rules: [{ name: "chatter", match: { app: "cron" } }] }));
    const running = await startReceiver(receiver);
    await sendDatagram(running.port, "<11>Oct 11 22:14:15 nas smartd[1]: Device: /dev/sda, SMART Failure: bad sectors");
    await sendDatagram(running.port, "<11>Oct 11 22:14:15 nas cron[1]: error");
    await sendDatagram(running.port, "<14>Oct 11 22:14:15 nas app: all is well");
    await sendDatagram(running.port, "<12>Oct 11 22:14:15 nas app: hm");
    await until(() => receiver.counters.received === 4);
    await running.stop();
    expect(receiver.counters).toMatchObject({ events: 2, filtered: 2 });
    expect(sink.events[0]).toMatchObject({
      type: "syslog.disk-error",
      equipment: "nas-1",
      severity: "major",
      source: "syslog",
      attributes: {
        rule: "disk-error",
        hostname: "nas",
        app: "smartd",
        processId: "1",
        messageTime: "Oct 11 22:14:15",
        sourceKnown: true,
        syslogSeverity: 3,
      },
    });
    expect(Math.abs((sink.events[0]?.observedAt.wallMs ?? 0) - Date.now())).toBeLessThan(5_000);
    expect(sink.events[1]).toMatchObject({ type: "syslog.message", severity: "warning", text: "hm" });
  });

  it.skipIf(!haveLogger)("understands Debian's logger in both formats (skipped: logger is not installed)", async () => {
    const sink = new CollectingSink();
    const receiver = new SyslogReceiver(options(sink, {}));
    const running = await startReceiver(receiver);
    for (const format of ["--rfc5424", "--rfc3164"]) {
      spawnSync("logger", [
        "-n",
        "127.0.0.1",
        "-P",
        String(running.port),
        "-d",
        format,
        "-p",
        "local3.err",
        "-t",
        "probe",
        "link down on port 7",
      ]);
    }
    await until(() => sink.count === 2);
    await running.stop();
    expect(sink.events.map(({ attributes }) => attributes["format"])).toEqual(["rfc5424", "rfc3164"]);
    for (const event of sink.events) {
      expect(event).toMatchObject({ type: "syslog.link-down", attributes: { facility: 19, app: "probe" } });
    }
  });
});

function options(sink: CollectingSink, more: Partial<SyslogReceiverOptions>): SyslogReceiverOptions {
  return {
    host: "127.0.0.1",
    port: 0,
    clock: new SystemClock(() => true),
    logger: silentLogger,
    sink,
    lookup: () => equipmentId("nas-1"),
    ...more,
  };
}
