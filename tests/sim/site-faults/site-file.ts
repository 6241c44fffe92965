import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { probeRules } from "../../../drivers/probe/rules.ts";
import type { Office } from "../../../drivers/simulated/office.ts";
import { settingsSchema } from "../../../drivers/snmp/settings.ts";
import { type GatewayConfiguration, loadGatewayConfiguration } from "../../../runtime/config/gateway-configuration.ts";
import { nocHost, saasHost, timeHost } from "./sim-prober.ts";
import { addressOf, ispAddress, publicAddress, routerAddress } from "./site-network.ts";

/**
 * What a technician writes for this site: its equipment, the mail server nobody has, and the handful of checks that every site gets. No
 * condition, no rule, no parent and no port is named: whatever is found is found by what ships with the gateway.
 */
export function siteConfiguration(
  office: Office,
  folder: string,
  receiver?: { readonly url: string; readonly secret: string },
): GatewayConfiguration {
  const equipment = office.model.devices.map((device) => ({
    id: device.identity.id,
    address: addressOf(device),
    credential: device.identity.id === "fw-1" ? "lan-v3" : "lan-v2c",
    pollIntervalMs: 60_000,
  }));
  const checks = [
    { id: "router", type: "icmp", target: routerAddress, intervalMs: 60_000, timeoutMs: 5_000 },
    {
      id: "provider",
      type: "icmp",
      target: ispAddress,
      intervalMs: 60_000,
      timeoutMs: 8_000,
      settings: { packets: 20, maxLossPercent: 10 },
    },
    {
      id: "internet",
      type: "icmp",
      target: publicAddress,
      intervalMs: 60_000,
      timeoutMs: 8_000,
      settings: { packets: 20, maxLossPercent: 10 },
    },
    {
      id: "names",
      type: "dns",
      target: saasHost,
      intervalMs: 60_000,
      timeoutMs: 5_000,
      settings: { type: "A", server: routerAddress, expect: ["203.0.113.80"] },
    },
    {
      id: "crm",
      type: "http",
      target: `https://${saasHost}/login`,
      intervalMs: 60_000,
      timeoutMs: 10_000,
      settings: { expect: { maxMs: 3_000 } },
    },
    { id: "noc", type: "tcp", target: `${nocHost}:8883`, intervalMs: 60_000, timeoutMs: 5_000 },
    { id: "time", type: "ntp", target: timeHost, intervalMs: 300_000, timeoutMs: 10_000 },
  ];
  const file = {
    gateway: { id: "gw-sim-01", tenant: "acme", site: "sim" },
    uplink: { url: `mqtts://${nocHost}:8883`, tls: { ca: "-----BEGIN CERTIFICATE-----" } },
    credentials: {
      "lan-v2c": { snmp: { version: "2c", community: "public" } },
      "lan-v3": { snmp: { version: 3, user: "noc", auth: { sha256: "simulated-auth-key" }, priv: { aes: "simulated-priv-key" } } },
    },
    equipment,
    checks,
    ...(receiver === undefined ? {} : { notify: { webhooks: [{ name: "ops", ...receiver, minSeverity: "minor", timeoutMs: 60_000 }] } }),
  };
  const path = join(folder, "gatehouse.yaml");
  writeFileSync(path, JSON.stringify(file));
  const drivers = [
    { name: "snmp", settingsSchema },
    { name: "probe", settingsSchema: {}, checks: probeRules },
  ];
  return loadGatewayConfiguration(path, { drivers, environment: {} });
}

/** A folder in memory where the machine has one: the NOC's SQLite syncs for real. */
export class RamFolder {
  readonly path: string;

  constructor(parent: string) {
    this.path = mkdtempSync(join(parent, "gatehouse-site-"));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
