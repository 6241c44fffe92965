import { existsSync, readFileSync } from "node:fs";
import mqtt from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { peer } from "../peers.ts";
import { foundInMemory, openFilesOf } from "./memory-of.ts";
import { type CommandView, gatewayId, OrdersField, overlay } from "./orders-field.ts";
import { gatehouse, until } from "./processes.ts";

const field = new OrdersField();

describe.skipIf(!peer("mosquitto").available)("orders over mosquitto, each part a process", () => {
  beforeAll(() => field.start({ confirmWindowMs: 5_000 }), 180_000);
  afterAll(() => field.end());

  it("are carried out and answered, and refused with a reason", async () => {
    expect(await field.order("poll.now", { dev: "loop-1" })).toMatchObject({ state: "ok", result: { equipment: "loop-1" } });
    expect(await field.order("poll.now", { dev: "nobody" })).toMatchObject({ state: "denied", error: { code: "command.refused" } });
    expect(await field.order("logs.capture", { args: { seconds: 0 } })).toMatchObject({ state: "ok" });
  }, 120_000);

  it.skipIf(process.platform !== "linux")(
    "are signed by a process that alone holds the keys: neither files nor memory of the other have them",
    async () => {
      expect(await field.order("poll.now", { dev: "loop-1" })).toMatchObject({ state: "ok" });
      const file = readFileSync(field.workspace.path("signer", "signing.json"), "utf8");
      const { keys } = JSON.parse(file) as { readonly keys: readonly { readonly role: string; readonly jwk: { readonly d: string } }[] };
      const root = JSON.parse(readFileSync(field.workspace.path("signer", "root.jwk"), "utf8")) as { readonly d: string };
      const secrets = [...keys.map(({ role, jwk }) => [role, jwk.d] as const), ["root", root.d] as const];
      const needles = Object.fromEntries(
        secrets.flatMap(([name, d]) => [
          [name, Buffer.from(d)],
          [`${name} raw`, Buffer.from(d, "base64url")],
        ]),
      );
      const [signer, noc, gateway] = [field.signer, field.noc, field.gateway].map((one) => one?.child.pid ?? 0);
      expect(foundInMemory(signer ?? 0, needles)).toContain("cmd");
      for (const pid of [noc ?? 0, gateway ?? 0]) {
        expect(foundInMemory(pid, needles)).toEqual([]);
        expect(openFilesOf(pid).filter((path) => path.startsWith(field.workspace.path("signer")))).toEqual([]);
      }
      expect(existsSync(field.workspace.path("noc", "keys"))).toBe(false);
    },
    120_000,
  );

  it("go on after the keys were rotated beside the running signer", async () => {
    const rotate = gatehouse(["noc", "signer", "rotate", "--keys", field.workspace.path("signer")]);
    expect(await rotate.exited).toBe(0);
    const version = async () => (await field.ask<{ readonly version: number }>("GET", "/api/authority")).version;
    await until("the NOC's end knows of the new keys", async () => (await version()) === 2);
    expect(await field.order("poll.now", { dev: "loop-1" })).toMatchObject({ state: "ok" });
    const { gen } = await field.want(overlay(1_500));
    expect(await field.outcome(gen)).toMatchObject({ reported: { phase: "ok" } });
  }, 120_000);

  it("that disrupt wait for a second person, who is another one", async () => {
    const row = await field.ask<CommandView>("POST", `/api/gateways/${gatewayId}/commands`, { op: "gateway.restart" });
    expect(row.state).toBe("approval");
    const own = await field.ask<{ error?: { code: string } }>("POST", `/api/commands/${row.id}/approve`, {});
    expect(own.error?.code).toBe("noc.denied");
    const { token } = await field.ask<{ token: string }>("POST", "/api/authority/operators/anna", {});
    await field.ask("POST", `/api/commands/${row.id}/approve`, {}, token);
    expect(await field.ended(row)).toMatchObject({ state: "ok", result: { restarting: true } });
    await field.connected();
  }, 120_000);

  it("about settings take effect while running and are confirmed; a local override is seen as drift", async () => {
    const { gen } = await field.want(overlay(2_000));
    expect(await field.outcome(gen)).toMatchObject({ reported: { phase: "ok" }, documents: [{ id: "config", state: "same" }] });
    expect(await field.interval()).toBe(2_000);
    await field.control("config-override", { content: overlay(5_000), by: "maria" });
    expect(await field.interval()).toBe(5_000);
    const next = await field.want(overlay(3_000));
    expect(await field.outcome(next.gen)).toMatchObject({ reported: { phase: "ok" }, drift: [{ path: "/equipment" }] });
    await field.control("config-override", {});
    expect(await field.interval()).toBe(3_000);
  }, 120_000);

  it("at the site that need a new beginning are answered before the gateway begins anew", async () => {
    const next = "the gateway begins anew with it";
    const inForce = async () => JSON.stringify(await field.control("config-effective"))?.includes('"durabilityWindowMs":700');
    expect(await field.control("config-override", { content: { buffer: { durabilityWindowMs: 700 } }, by: "maria" })).toMatchObject({
      next,
    });
    await expect.poll(inForce).toBe(true);
    expect(await field.control("config-override", {})).toMatchObject({ next });
    await expect.poll(inForce).toBe(false);
    await field.connected();
  }, 120_000);

  it("that cut the gateway off are taken back by the gateway alone", async () => {
    const before = await field.interval();
    const { gen } = await field.want(overlay(7_000, { uplink: { url: "mqtt://127.0.0.1:1" } }));
    const view = await field.outcome(gen);
    expect(view.reported).toMatchObject({ phase: "rolled_back", reason: expect.stringContaining("not reached within 5 s") });
    expect(await field.interval()).toBe(before);
  }, 120_000);

  it.each([150])(
    "leave old or new when the gateway is killed %d ms after they were sent, and the NOC is told the truth",
    async (afterMs) => {
      const before = await field.interval();
      const wanted = 10_000 + afterMs;
      const { gen } = await field.want(overlay(wanted, { limits: { concurrentPolls: 100 + afterMs } }));
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await field.gateway?.end("SIGKILL");
      field.startGateway();
      await field.connected();
      const { reported } = await field.outcome(gen);
      expect(await field.interval()).toBe(reported?.phase === "ok" ? wanted : before);
    },
    60_000,
  );

  it("of somebody who only holds the broker are refused, counted, and change nothing", async () => {
    const { gen } = await field.want(overlay(4_000));
    await field.outcome(gen);
    const before = await field.status();
    const rogue = await mqtt.connectAsync(`mqtt://127.0.0.1:${field.brokerPort}`, { protocolVersion: 5 });
    const recorded: Buffer[] = [];
    rogue.on("message", (_topic, payload) => void recorded.push(payload));
    await rogue.subscribeAsync([`gh/1/acme/g/${gatewayId}/cmd`, `gh/1/acme/g/${gatewayId}/des`], { qos: 1 });
    await field.order("poll.now", { dev: "loop-1" });
    await until("orders were recorded", () => recorded.length >= 2);
    await field.gateway?.end("SIGTERM");
    field.startGateway();
    await field.connected();
    const accepted = (await field.status())?.authority.accepted ?? 0;
    const [first = Buffer.alloc(0)] = recorded;
    // Another letter of the signature, still of base64url.
    const flipped = Buffer.from(first);
    flipped.write(flipped.toString("latin1", flipped.length - 20, flipped.length - 19) === "A" ? "B" : "A", flipped.length - 20);
    const forged = [...recorded, flipped, Buffer.from("{}"), Buffer.from("a.b.c"), Buffer.alloc(70_000, 0x41)];
    for (const payload of forged) {
      await rogue.publishAsync(`gh/1/acme/g/${gatewayId}/cmd`, payload, { qos: 1 });
      await rogue.publishAsync(`gh/1/acme/g/${gatewayId}/des`, payload, { qos: 1 });
    }
    const tried = 2 * forged.length;
    let after = await field.status();
    await until("all are refused or known", async () => {
      after = await field.status();
      return (after?.authority.refused ?? 0) + (after?.authority.accepted ?? 0) - accepted >= tried;
    });
    await rogue.endAsync(true);
    // The one that counts as accepted is the manifest in force, delivered again.
    expect(after?.desired.gen).toBe(before?.desired.gen);
    expect((after?.authority.accepted ?? 0) - accepted).toBeLessThanOrEqual(2);
    expect(after?.authority.refusedByReason).toMatchObject({ "not a compact JWS": 2, signature: 1, "too long": 2 });
    expect(after?.authority.refusedByReason.nonce).toBeGreaterThanOrEqual(1);
  }, 120_000);
});
