import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmView } from "../../cloud-bridge/noc/registry/alarms.ts";
import { until } from "../integration/processes.ts";
import { peer } from "../peers.ts";
import { ConsoleDoor } from "./console-door.ts";
import { SecuredSite, type Status } from "./secured-site.ts";

const missing = [peer("mosquitto"), peer("snmpd")].filter((one) => !one.available).map((one) => one.reason);
const site = new SecuredSite({ community: "CANARY-sealed-community" });
const signal = new AbortController().signal;

describe.skipIf(missing.length > 0)(`a site over client certificates ${missing.join(", ")}`, () => {
  beforeAll(async () => {
    await site.start();
    site.configure([`console: { host: 127.0.0.1, port: ${site.consolePort} }`]);
  }, 180_000);
  afterAll(() => site.end());

  it("takes a credential that the NOC sealed, and polls snmpd with it", async () => {
    site.startGateway();
    await site.connected();
    const seal = ["noc", "secret", "seal", site.gatewayId, "--stdin", "--dir", site.path("enrolment")];
    const sealed = await site.done(seal, "CANARY-sealed-community\n");
    expect(sealed).not.toContain("CANARY");
    const overlay = site.workspace.write(
      "overlay.yaml",
      [
        `credentials: { pushed: { snmp: { version: 2c, community: ${sealed} } } }`,
        "equipment:",
        `  - { id: agent-1, address: 127.0.0.1, port: ${site.snmpPort}, driver: snmp, credential: pushed, pollIntervalMs: 1000 }`,
        "",
      ].join("\n"),
    );
    const asked = ["--url", site.nocUrl(""), "--token-file", site.path("noc", "token")];
    await site.done(["noc", "config", "apply", site.gatewayId, overlay, ...asked]);
    await until(
      "snmpd is polled with the sealed community",
      async () => (await site.control<Status>("status"))?.equipment.some((one) => one.id === "agent-1" && one.samples > 0) === true,
      20_000,
      () => site.gateways.at(-1)?.lines.slice(-10).join("\n") ?? "",
    );
    await expect(site.done(["noc", "secret", "seal", "gw-nobody", "--stdin", "--dir", site.path("enrolment")], "x")).rejects.toThrow(
      /not enrolled/,
    );
  }, 300_000);

  it("lets a technician in by a token or over the telephone, as far as the scope goes, and nobody who guesses or comes from another page", async () => {
    if (site.gateways.length === 0) site.startGateway();
    await site.connected();
    const door = new ConsoleDoor(site);
    const ask = ["noc", "technician"];
    const token = async (more: readonly string[], gateway = site.gatewayId) =>
      (await site.done([...ask, "token", gateway, "--tenant", "acme", "--person", "ana@acme", ...more, "--dir", site.path("noc")])).trim();
    const looks = await token(["--scope", "view"]);
    const cookie = await door.signIn(looks);
    expect(await door.signIn(looks)).toBe("401");
    expect(await door.signIn(await token(["--scope", "view"], "gw-other-01"))).toBe("401");
    expect(await door.get("/api/overview", { cookie })).toBe(200);
    const order = { operation: "gateway.status", args: {} };
    expect(await door.post("/api/command", order, { cookie })).toMatchObject({
      status: 400,
      text: expect.stringContaining("scope operate"),
    });
    const challenge = await door.challenge();
    const answer = await site.done([...ask, "answer", site.gatewayId, challenge, "--dir", site.path("enrolment")]);
    const byTelephone = await door.signIn(answer.trim());
    expect(await door.post("/api/command", order, { cookie: byTelephone })).toMatchObject({ status: 200 });
    // Another page, another name, no session: also for the editor's socket, which browsers open to anybody.
    expect(await door.post("/api/command", order, { cookie: byTelephone, "x-gatehouse": "" })).toMatchObject({ status: 403 });
    expect(await door.get("/api/overview", { cookie, host: "rebound.example" })).toBe(403);
    expect(await door.get("/api/overview", { cookie, origin: "http://evil.example" })).toBe(403);
    expect(await door.socket("/editor/comms", {})).toBe(401);
    expect(await door.socket("/editor/comms", { cookie: byTelephone })).toBe(403);
    expect(await door.socket("/editor/comms", { cookie, origin: "http://evil.example" })).toBe(403);
    for (let wrong = 0; wrong < 5; wrong++) await door.signIn("AAAA-AAAA");
    expect(await door.signIn(await token(["--scope", "view operate"]))).toBe("429");
    const audit = await site.done(["audit", "--state", site.path("gateway")]);
    for (const word of ["ana@acme", "challenge and response", "console.sign-in"]) expect(audit).toContain(word);
  }, 300_000);

  it("tells a cloned state folder from the gateway itself within one session", async () => {
    await site.gateways.at(-1)?.end("SIGTERM");
    const copy = site.cloneState("copy");
    site.startGateway();
    await site.connected();
    const alarms = () => site.noc.get<{ readonly alarms: readonly AlarmView[] }>("/api/alarms", {}, signal);
    const cloned = async () => (await alarms()).alarms.find((one) => one.key === "noc:gateway-cloned");
    expect(await cloned()).toBeUndefined();
    site.startGateway(copy);
    await until("the NOC sees two of them", async () => (await cloned()) !== undefined);
    expect(await cloned()).toMatchObject({ type: "gatewayCloned", gateway: site.gatewayId, incident: true });
    await until("it is certain", async () => (await cloned())?.severity === "critical", 30_000);
  }, 300_000);
});
