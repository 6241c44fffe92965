import { describe, expect, it } from "vitest";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { openReceivers, ReceiverBook } from "../../runtime/parts-receivers.ts";
import { MemoryState } from "../alarms/alarm-doubles.ts";
import { CollectingSink, sendDatagram } from "../drivers/notifications/receiving.ts";
import { sampleDatagrams } from "../drivers/notifications/sample-datagrams.ts";
import { until } from "../drivers/simulated/running-site.ts";
import { freeUdpPort } from "../integration/processes.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { head, load, sentencesOf } from "./configuration-kit.ts";

const credentials = `credentials:
  lan: { snmp: { version: 2c, community: { $env: C } } }
  v3: { snmp: { version: 3, user: open } }
  portal: { http: { username: a, password: { $env: C } } }
`;

describe("the sections of the receivers", () => {
  it("take from anybody unless they say otherwise", () => {
    const { traps, syslog } = load(head);
    expect([traps.credentials, traps.sources, syslog.sources]).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ["traps: { credentials: [wan] }", '/traps/credentials/0 unknown credential "wan"'],
    ["traps: { credentials: [lan, portal] }", '/traps/credentials/1 "portal" has no snmp part'],
    ["traps: { sources: [10.0.0.0/33] }", '/traps/sources/0 "10.0.0.0/33" is not an address or network'],
    ["syslog: { sources: [10.0.0.1, fd00::/129] }", '/syslog/sources/1 "fd00::/129" is not an address or network'],
    ['syslog: { rules: [{ name: a, match: { regex: "(?=x)" } }] }', "/syslog/rules/0/match/regex looks ahead or behind"],
    ['syslog: { rules: [{ name: a, match: { regex: "(x" } }] }', "/syslog/rules/0/match/regex has a ( without a )"],
    [
      "syslog: { rules: [{ name: a, match: { app: x } }, { name: a, match: { app: y } }] }",
      '/syslog/rules/1/name "a" is the name of two rules',
    ],
  ])("refuse %s", (section, sentence) => {
    expect(sentencesOf(`${head}${credentials}${section}\n`, { C: "public" })).toContain(sentence);
  });

  it("are obeyed: a listed community is taken, another and an unlisted user are refused, a host name is known", async () => {
    const port = await freeUdpPort();
    const yaml = `${head}${credentials}traps: { host: 127.0.0.1, port: ${port}, credentials: [lan] }
syslog: { enabled: false }
equipment: [{ id: sw-1, address: localhost, driver: loopback }]
`;
    const sink = new CollectingSink();
    const book = new ReceiverBook();
    const parts = { sink, state: new MemoryState(), discovery: { noteSource: () => undefined }, book };
    const platform = { clock: new SystemClock(() => true), entropy: systemEntropy, logger: silentLogger };
    const units = openReceivers(load(yaml, { C: "public" }), parts, platform);
    const ending = new AbortController();
    const running = units.map((unit) => unit.run(ending.signal));
    const read = () => book.readings().traps as { readonly received: number; readonly events: number; readonly refused: number };
    const send = (bytes: string) => sendDatagram(port, Buffer.from(bytes, "hex"));
    await until(async () => {
      await send(sampleDatagrams.v2c);
      return sink.events.some(({ equipment }) => equipment === "sw-1");
    });
    await send(sampleDatagrams.v2c.replace("067075626c6963", "067075626c6964"));
    await send(sampleDatagrams.v3);
    await until(() => read().refused === 2);
    const { received, events } = read();
    expect(received - events).toBe(2);
    ending.abort();
    await Promise.all(running);
  });

  it("say what messages mean: own rules first, one drops what nobody wants, and a quieter bound for the rest", async () => {
    const port = await freeUdpPort();
    const yaml = `${head}traps: { enabled: false }
syslog:
  host: 127.0.0.1
  port: ${port}
  unmatchedMaxSeverity: -1
  rules:
    - { name: noise, match: { app: cron } }
    - { name: port, match: { regex: 'port (?<port>\\S+) is (?<state>up|down)' }, type: port-state, severity: major }
`;
    const sink = new CollectingSink();
    const book = new ReceiverBook();
    const parts = { sink, state: new MemoryState(), discovery: { noteSource: () => undefined }, book };
    const platform = { clock: new SystemClock(() => true), entropy: systemEntropy, logger: silentLogger };
    const units = openReceivers(load(yaml), parts, platform);
    const ending = new AbortController();
    const running = units.map((unit) => unit.run(ending.signal));
    const send = (text: string) => sendDatagram(port, Buffer.from(text));
    await until(async () => {
      await send("<189>1 - sw - - - - Port Gi0/1 is down");
      return sink.events.length > 0;
    });
    expect(sink.events[0]).toMatchObject({
      type: "syslog.port-state",
      severity: "major",
      attributes: { rule: "port", tags: { port: "Gi0/1", state: "down" } },
    });
    const counted = () => book.readings().syslog as { readonly filtered: number };
    await send("<8>1 - sw cron - - - port Gi0/1 is down");
    await send("<8>1 - sw other - - - the end of the world");
    await until(() => counted().filtered === 2);
    expect(sink.events.filter(({ type }) => type !== "syslog.port-state")).toEqual([]);
    ending.abort();
    await Promise.all(running);
  });
});
