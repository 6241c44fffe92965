import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmView } from "../../cloud-bridge/noc/registry/alarms.ts";
import { until } from "../integration/processes.ts";
import { peer } from "../peers.ts";
import { SecuredSite, type Status } from "./secured-site.ts";

const missing = [peer("mosquitto"), peer("snmpd")].filter((one) => !one.available).map((one) => one.reason);
const site = new SecuredSite({ community: "CANARY-sealed-community" });
const signal = new AbortController().signal;

describe.skipIf(missing.length > 0)(`a site over client certificates ${missing.join(", ")}`, () => {
  beforeAll(() => site.start(), 180_000);
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
  }, 120_000);

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
  }, 120_000);
});
