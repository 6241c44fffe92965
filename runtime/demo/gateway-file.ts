/** One device of the simulated site, as its listening line tells. */
export interface DemoDevice {
  readonly id: string;
  readonly kind: string;
  readonly address: string;
  readonly port: number;
  readonly credential: { readonly version: string };
  readonly model: string;
}

export interface DemoPorts {
  readonly site: number;
  readonly broker: number;
  readonly noc: number;
  readonly traps: number;
  readonly syslog: number;
  readonly console: number;
}

const names: Readonly<Record<string, string>> = {
  switch: "Switch",
  ups: "UPS",
  printer: "Printer",
  nas: "File server",
  "access-point": "Wi-Fi access point",
  firewall: "Firewall",
  camera: "Camera",
};

/**
 * The demo's gatehouse.yaml, one equipment a line. Secrets are the simulated site's public ones,
 * still by reference, as a real file has them.
 */
export function gatewayFile(devices: readonly DemoDevice[], ports: DemoPorts, rootKeyFile: string): string {
  const equipment = devices.map(
    (device) =>
      `  - { id: ${device.id}, name: ${names[device.kind] ?? device.id}, address: ${device.address}, port: ${device.port}, driver: snmp, credential: ${
        device.credential.version === "3" ? "lan-v3" : "lan-v2c"
      }, pollIntervalMs: 5000 }`,
  );
  return [
    "# Written by `gatehouse demo` at each start; edit a copy of it.",
    "gateway: { id: gw-demo-01, tenant: demo, site: simulated-office }",
    `uplink: { url: "mqtt://127.0.0.1:${ports.broker}", intervalsPerChunk: 1, retryMaxMs: 10000 }`,
    "# Whom it obeys: the NOC's end of this demo made the keys at its first start.",
    `authority: { root: { $file: ${JSON.stringify(rootKeyFile)} } }`,
    "credentials:",
    "  lan-v2c: { snmp: { version: 2c, community: { $env: DEMO_COMMUNITY } } }",
    "  lan-v3:",
    "    snmp: { version: 3, user: noc, auth: { sha256: { $env: DEMO_AUTH_KEY } }, priv: { aes: { $env: DEMO_PRIV_KEY } } }",
    "equipment:",
    ...equipment,
    "checks:",
    `  - { id: noc-page, name: The NOC's page, type: http, target: "http://127.0.0.1:${ports.noc}/", intervalMs: 15000, timeoutMs: 5000 }`,
    `traps: { host: 127.0.0.1, port: ${ports.traps} }`,
    `syslog: { host: 127.0.0.1, port: ${ports.syslog} }`,
    `console: { port: ${ports.console} }`,
    "# One machine plays all the parts here, so its clock is everybody's.",
    "clock: { source: host }",
    "buffer: { budgetBytes: 134217728, durabilityWindowMs: 2000 }",
    "",
  ].join("\n");
}

/** What the references in gatewayFile point to: the simulated site's made-up, public secrets. */
export const demoSecrets = {
  DEMO_COMMUNITY: "public",
  DEMO_AUTH_KEY: "simulated-auth-key",
  DEMO_PRIV_KEY: "simulated-priv-key",
} as const;
