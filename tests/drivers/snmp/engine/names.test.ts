import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../../../drivers/snmp/engine/engine.ts";
import { defaultLimits } from "../../../../drivers/snmp/engine/limits.ts";
import { Names, parseLiteral, type ResolvedAddress } from "../../../../drivers/snmp/engine/names.ts";
import { silentLogger } from "../../../sim/silent-logger.ts";
import { clock, startEngine, unending } from "./conversing.ts";
import { octets, TableAgent } from "./table-agent.ts";

const name = "1.3.6.1.2.1.1.5.0";

describe("a host name", () => {
  let agent: TableAgent;
  let engine: Engine;
  let lookups = 0;
  let answer: () => Promise<ResolvedAddress> = () => Promise.reject(new Error("none"));

  beforeEach(async () => {
    lookups = 0;
    agent = await new TableAgent().open();
    agent.set({ [name]: octets("x") });
    engine = startEngine({
      lookup: () => {
        lookups += 1;
        return answer();
      },
      limits: { nameLookupMs: 200 },
    });
  });
  afterEach(async () => {
    await engine.close();
    await agent.close();
  });

  const open = () =>
    engine.open({
      address: "switch.example",
      port: agent.port,
      credential: { version: "2c", community: "public" },
      timeoutMs: 250,
      retries: 0,
    });

  it("is looked up once, whatever is asked and however many ask", async () => {
    answer = async () => ({ address: "127.0.0.1", family: 4 });
    const sessions = [open(), open()];
    await Promise.all(sessions.flatMap((session) => [session.get([name], unending), session.get([name], unending)]));
    expect(lookups).toBe(1);
  });

  it("that cannot be resolved says so, and is looked up again the next time", async () => {
    answer = () => Promise.reject(new Error("ENOTFOUND"));
    const session = open();
    await expect(session.get([name], unending)).rejects.toMatchObject({ code: "driver.unreachable", fields: { name: "switch.example" } });
    answer = async () => ({ address: "127.0.0.1", family: 4 });
    expect(await session.get([name], unending)).toMatchObject([{ type: "octet-string" }]);
  });

  it("whose server is silent does not hold a request for ever", async () => {
    answer = () => new Promise(() => undefined);
    await expect(open().get([name], unending)).rejects.toMatchObject({ code: "driver.unreachable" });
  });

  it("keeps its address when a refresh fails", async () => {
    let nowMs = 0;
    const turning = { ...clock, monotonicMs: () => nowMs, sleep: clock.sleep.bind(clock), now: clock.now.bind(clock), anchors: () => [] };
    let isBroken = false;
    const names = new Names({
      clock: turning,
      limits: defaultLimits,
      logger: silentLogger,
      lookup: () => (isBroken ? Promise.reject(new Error("down")) : Promise.resolve({ address: "192.0.2.1", family: 4 as const })),
    });
    expect(await names.resolve("a", unending)).toMatchObject({ address: "192.0.2.1" });
    isBroken = true;
    nowMs = 2 * defaultLimits.nameRefreshMs;
    expect(names.known("a")).toMatchObject({ address: "192.0.2.1" });
    await clock.sleep(5, unending);
    expect(names.known("a")).toMatchObject({ address: "192.0.2.1" });
  });
});

describe("an address literal", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7", 4],
    ["FE80:0:0::0001%eth0", "fe80::1%eth0", 6],
    ["2001:DB8::0:1", "2001:db8::1", 6],
  ])("%s is compared as %s", (text, address, family) => {
    expect(parseLiteral(text)).toEqual({ address, family });
  });

  it("is told from a name", () => {
    expect(parseLiteral("switch.example")).toBeUndefined();
  });

  it("of IPv6 is spoken to", async () => {
    const agent = new TableAgent("udp6");
    await agent.open("::1");
    agent.set({ [name]: octets("six") });
    const engine = startEngine();
    const session = engine.open({
      address: "0::1",
      port: agent.port,
      credential: { version: "2c", community: "public" },
      timeoutMs: 500,
      retries: 0,
    });
    expect(await session.get([name], unending)).toMatchObject([{ type: "octet-string" }]);
    await engine.close();
    await agent.close();
  });
});
