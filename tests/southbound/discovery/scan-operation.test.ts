import { describe, expect, it } from "vitest";
import type { Command } from "../../../runtime/model/command.ts";
import { discoveryOperations } from "../../../runtime/operations/discovery-operations.ts";
import { agentOf } from "./agents.ts";
import { discoveryOn, mac, subnet } from "./office-lan.ts";
import { access, emptyLan, never, settingsOf } from "./quiet-lan.ts";

/** The operation over a virtual LAN with one switch and one host. */
function ground(settings = settingsOf({})) {
  const { clock, lan } = emptyLan();
  lan.add({ address: "10.20.0.5", ...access, agent: agentOf({ name: "sw-a", serials: ["A"], bridge: mac(1, 1) }) });
  lan.add({ address: "10.20.1.6", mac: mac(1, 6), ports: [443] });
  const { discovery } = discoveryOn({ clock, lan }, { settings });
  const gateway = () => {
    throw new Error("not asked for");
  };
  const scan = discoveryOperations({ discovery, gateway, clock }).find(({ name }) => name === "discovery.scan");
  if (scan === undefined) throw new Error("no such operation");
  const said: { readonly phase: string; readonly percent: number | undefined }[] = [];
  const progress = {
    report: (output: unknown, percent?: number) => void said.push({ phase: String((output as { phase: string }).phase), percent }),
  };
  const run = (args: Readonly<Record<string, unknown>>, signal = never) => {
    const running = scan.execute({ arguments: args } as unknown as Command, progress, signal);
    running.catch(() => undefined);
    return running;
  };
  return { clock, lan, discovery, said, run };
}

describe("the order discovery.scan", () => {
  it("sweeps an enabled subnet at once, says how far it is, and gives what it found", async () => {
    const { clock, said, run } = ground();
    const result = await clock.runUntil(run({ cidr: subnet.cidr }));
    expect(result).toMatchObject({ scanned: [subnet.cidr], devices: 1, newCount: 1 });
    const phases = [...new Set(said.map(({ phase }) => phase))];
    expect(phases).toEqual(expect.arrayContaining(["sweep", "hosts"]));
    const percents = said.map(({ percent }) => percent ?? -1);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents.every((percent) => percent >= 0 && percent < 100)).toBe(true);
    expect(said.length).toBeLessThan(64);
  });

  it("sweeps again although the last sweep was just now, and proposes nothing twice", async () => {
    const { clock, lan, run } = ground();
    await clock.runUntil(run({}));
    const before = lan.sent.filter(({ kind }) => kind === "echo").length;
    expect(before).toBeGreaterThan(400);
    expect(await clock.runUntil(run({}))).toMatchObject({ newCount: 0 });
    expect(lan.sent.filter(({ kind }) => kind === "echo").length).toBe(2 * before);
  });

  it("sweeps after the round under way, which may be past its sweep", async () => {
    const { clock, lan, discovery, run } = ground();
    const first = discovery.scan(subnet.cidr, never);
    await clock.until(() => discovery.status().subnets[0]?.phase === "hosts", 600_000);
    const before = lan.sent.filter(({ kind }) => kind === "echo").length;
    await clock.runUntil(run({}));
    await first;
    expect(lan.sent.filter(({ kind }) => kind === "echo").length).toBe(2 * before);
  });

  it("refuses a subnet that is not enabled, none at all, and one that is paused", async () => {
    const { run, discovery } = ground();
    await expect(run({ cidr: "10.99.0.0/24" })).rejects.toMatchObject({ code: "command.refused" });
    discovery.pause(subnet.cidr);
    await expect(run({})).rejects.toMatchObject({ code: "command.refused", message: expect.stringContaining("paused") });
    await expect(ground(settingsOf({ enabled: false })).run({})).rejects.toMatchObject({ code: "command.refused" });
  });

  it("ends when it is told to, and sends nothing more", async () => {
    const { clock, lan, run, said } = ground();
    const stop = new AbortController();
    const running = run({}, stop.signal);
    await clock.until(() => said.some(({ phase }) => phase === "sweep"), 60_000);
    stop.abort(new Error("cancelled"));
    await expect(clock.runUntil(running)).rejects.toThrow();
    const sent = lan.sent.length;
    await clock.advance(600_000);
    expect(lan.sent.length).toBe(sent);
  });
});
