import { describe, expect, it } from "vitest";
import type { Command, CommandResult } from "#model/command.ts";
import { GatewayError } from "#model/errors.ts";
import { Bench } from "../support/fixtures.ts";
import { smallSwitch } from "../support/switch-agent.ts";

const sysName = "1.3.6.1.2.1.1.5.0";

async function run(bench: Bench, operation: string, args: Readonly<Record<string, unknown>>): Promise<CommandResult | undefined> {
  const command: Command = { id: "01J", operation, risk: "read", arguments: args };
  return bench.session.execute?.(command, new AbortController().signal);
}

describe("commands", () => {
  it("get values as JSON, octets as text and hexadecimal, 64-bit counters as strings", async () => {
    const agent = smallSwitch().text(sysName, "sw");
    const result = await run(new Bench(agent), "snmp.get", { oids: [`.${sysName}`, "1.3.6.1.2.1.31.1.1.1.6.1", "1.3.9.9.0"] });
    expect(result).toEqual({
      id: "01J",
      status: "ok",
      output: {
        varbinds: [
          { oid: sysName, type: "octet-string", hex: "7377", text: "sw" },
          { oid: "1.3.6.1.2.1.31.1.1.1.6.1", type: "counter64", value: "1000" },
          { oid: "1.3.9.9.0", type: "no-such-instance" },
        ],
      },
    });
  });

  it("walk as far as they may and say when that was not all", async () => {
    const bench = new Bench(smallSwitch());
    expect((await run(bench, "snmp.walk", { root: "1.3.6.1.2.1.2.2.1.7" }))?.output).toMatchObject({ complete: true });
    const cut = await run(bench, "snmp.walk", { root: "1.3.6.1.2.1.2.2.1", maxRows: 2 });
    expect(cut?.output).toMatchObject({ complete: false, varbinds: { length: 2 } });
  });

  it("refuse to set unless the equipment's settings allow it", async () => {
    const agent = smallSwitch().text(sysName, "old");
    const result = await run(new Bench(agent), "snmp.set", { varbinds: [{ oid: sysName, type: "octet-string", value: "new" }] });
    expect(result).toMatchObject({ status: "denied", error: { code: "command.refused" } });
    expect(agent.variables.get(sysName)?.value).toEqual(new TextEncoder().encode("old"));
  });

  it("set, read back, and record what was, what was ordered and what is", async () => {
    const agent = smallSwitch().text(sysName, "old");
    const result = await run(new Bench(agent, { allowSet: true }), "snmp.set", {
      varbinds: [{ oid: sysName, type: "octet-string", value: "new" }],
    });
    expect(result).toMatchObject({
      status: "ok",
      output: { confirmed: true, before: [{ text: "old" }], ordered: [{ text: "new" }], after: [{ text: "new" }] },
    });
  });

  it("say that a set was not confirmed when another value reads back", async () => {
    const agent = smallSwitch().set(sysName, "integer", 1);
    const bench = new Bench(agent, { allowSet: true });
    const stubborn = agent.set.bind(agent);
    agent.set = (oid, type, value) => (oid === sysName ? agent : stubborn(oid, type, value));
    const result = await run(bench, "snmp.set", { varbinds: [{ oid: sysName, type: "integer", value: 2 }] });
    expect(result).toMatchObject({
      status: "error",
      error: { code: "driver.refused" },
      output: { confirmed: false, after: [{ value: 1 }] },
    });
  });

  it("report the equipment's errors as results", async () => {
    const agent = smallSwitch();
    agent.failing.set(sysName, new GatewayError("driver.timeout"));
    expect(await run(new Bench(agent), "snmp.get", { oids: [sysName] })).toMatchObject({
      status: "error",
      error: { code: "driver.timeout", retryable: true },
    });
  });

  it.each([
    ["snmp.get", { oids: [] }],
    ["snmp.get", { oids: ["sysName.0"] }],
    ["snmp.get", { oids: Array.from({ length: 101 }, () => sysName) }],
    ["snmp.walk", { root: 7 }],
    ["snmp.walk", { root: sysName, maxRows: 1e9 }],
    ["snmp.set", { varbinds: [{ oid: sysName, type: "integer", value: "2" }] }],
    ["snmp.set", { varbinds: [{ oid: sysName, type: "opaque", value: "2" }] }],
    ["snmp.reboot", {}],
  ])("deny %s with %j", async (operation, args) => {
    expect(await run(new Bench(smallSwitch(), { allowSet: true }), operation, args)).toMatchObject({ status: "denied" });
  });
});

describe("the sign of life", () => {
  it("is true when the agent answers, and the engine's own reason when it does not", async () => {
    const agent = smallSwitch();
    const bench = new Bench(agent);
    expect(await bench.session.probe?.(new AbortController().signal)).toBe(true);
    agent.dead = true;
    await expect(bench.session.probe?.(new AbortController().signal)).rejects.toMatchObject({ code: "driver.timeout" });
  });
});
