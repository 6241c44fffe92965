import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLabel } from "../../cloud-bridge/protocol/enrolment.ts";
import { IdentityFolder } from "../../runtime/host/identity-folder.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { SmtpServer } from "../cloud-bridge/notify/smtp-server.ts";
import { OwnNetwork } from "../integration/own-network.ts";
import { gatehouse, until } from "../integration/processes.ts";
import { peer } from "../peers.ts";
import { Canary, CanaryHunt } from "./canary-hunt.ts";
import { lookEverywhere } from "./canary-places.ts";
import { SecuredSite, type Status } from "./secured-site.ts";
import { setSecrets } from "./set-secrets.ts";
import { drawTab } from "./technicians-tab.ts";
import { tellTaleService } from "./tell-tale-service.ts";

const missing = [peer("mosquitto"), peer("snmpd")].filter((one) => !one.available).map((one) => one.reason);
const made = (name: string) => new Canary(name, `CANARY-${name}-${randomBytes(9).toString("hex")}`);
const planted = {
  community: made("community"),
  auth: made("auth-pass-phrase"),
  priv: made("priv-pass-phrase"),
  mqtt: made("mqtt-password"),
  webhook: made("webhook-secret"),
  smtp: made("smtp-password"),
  httpUser: made("http-user"),
  httpPassword: made("http-password"),
  httpToken: made("http-token"),
  pushed: made("sealed-community"),
  apiToken: made("service-api-token"),
  used: made("service-token-in-use"),
  flow: made("flow-credential"),
  clear: made("clear-text-by-mistake"),
  setBySite: made("set-at-the-site"),
  setByNoc: made("set-by-the-noc"),
};
/** By a technician, in the editor. */
const typed = {
  tabField: made("credential-of-a-tab"),
  subflowField: made("credential-of-a-subflow"),
  inFunction: made("in-a-function"),
  inHeader: made("in-a-header"),
  inEnvironment: made("in-an-environment"),
};
const environment = {
  SITE_COMMUNITY: planted.community.text,
  SITE_AUTH: planted.auth.text,
  SITE_PRIV: planted.priv.text,
  SITE_MQTT: planted.mqtt.text,
  SITE_WEBHOOK: planted.webhook.text,
  SITE_SMTP: planted.smtp.text,
  SITE_USER: planted.httpUser.text,
  SITE_PASSWORD: planted.httpPassword.text,
  SITE_TOKEN: planted.httpToken.text,
};

/** The worst of peers: refuses, and tells whoever asks what was sent, in clear, in header, body and status line. */
function tellTale(): Promise<Server> {
  const server = createServer((request, response) => {
    const sent = request.headers.authorization ?? "";
    const clear = Buffer.from(sent.split(" ")[1] ?? "", "base64").toString("latin1");
    response.writeHead(401, { "x-you-sent": sent, "www-authenticate": `Basic realm="${sent}"` });
    response.end(`refused: ${sent} ${clear}`);
  });
  return new Promise((resolve) => void server.listen(0, "127.0.0.1", () => resolve(server)));
}

describe.skipIf(missing.length > 0)(`planted secrets ${missing.join(", ")}`, () => {
  let site: SecuredSite;
  let web: Server;
  let mail: SmtpServer;
  let spy: MqttClient;
  const network = new OwnNetwork();
  const overheard: { topic: string; payload: Buffer }[] = [];

  beforeAll(async () => {
    web = await tellTale();
    network.open();
    network.echo();
    mail = await SmtpServer.start({ instead: { AUTH: "535 go away" } });
    const webPort = (web.address() as AddressInfo).port;
    site = new SecuredSite({ community: planted.pushed.text, environment });
    await site.start();
    const check = (id: string, auth: string) =>
      `  - { id: ${id}, type: http, target: "http://127.0.0.1:${webPort}/", intervalMs: 10000, timeoutMs: 1000, settings: { auth: ${auth}, credential: web } }`;
    site.configure([
      "credentials:",
      "  v2: { snmp: { version: 2c, community: { $env: SITE_COMMUNITY } } }",
      "  v3: { snmp: { version: 3, user: noc, auth: { sha256: { $env: SITE_AUTH } }, priv: { aes: { $env: SITE_PRIV } } } }",
      "  web: { http: { username: { $env: SITE_USER }, password: { $env: SITE_PASSWORD }, token: { $env: SITE_TOKEN } } }",
      "equipment:",
      ...["v2", "v3"].map(
        (name) => `  - { id: agent-${name}, address: 127.0.0.1, port: ${site.snmpPort}, credential: ${name}, pollIntervalMs: 1000 }`,
      ),
      "checks:",
      check("basic", "basic"),
      check("bearer", "bearer"),
      "notify:",
      "  holdMs: 0",
      `  webhooks: [{ name: hook, url: "https://127.0.0.1:9/", secret: { $env: SITE_WEBHOOK }, minSeverity: warning }]`,
      "  mail:",
      `    - { name: post, host: 127.0.0.1, port: ${mail.port}, security: starttls, username: box, password: { $env: SITE_SMTP }, from: a@example.org, to: [b@example.org], minSeverity: warning }`,
      `console: { host: 127.0.0.1, port: ${site.consolePort} }`,
      "alarms: { unreachableAfterMs: 10000 }",
      "log: { level: debug }",
    ]);
    const text = readFileSync(site.path("gatehouse.yaml"), "utf8");
    site.workspace.write("gatehouse.yaml", text.replace("enrolled: true,", "enrolled: true, password: { $env: SITE_MQTT },"));
    spy = await mqtt.connectAsync(`mqtt://127.0.0.1:${site.nocBrokerPort}`, { protocolVersion: 5 });
    spy.on("message", (topic, payload) => void overheard.push({ topic, payload }));
    await spy.subscribeAsync("#", { qos: 1 });
  }, 300_000);

  afterAll(async () => {
    await spy?.endAsync(true);
    await site?.end();
    await mail?.stop();
    network.close();
    web?.close();
  });

  const asked = () => ["--url", site.nocUrl(""), "--token-file", site.path("noc", "token")];

  /** Runs to its end, however that is; what it said is looked at as well. */
  async function tried(hunt: CanaryHunt, args: readonly string[], stdin?: string): Promise<string> {
    const child = gatehouse(args, environment, stdin);
    await child.exited;
    await until("its output is read", () => child.isRead);
    hunt.look(`output of gatehouse ${args.slice(0, 3).join(" ")}`, child.lines.join("\n"));
    return child.lines.join("\n");
  }

  async function sealed(secret: string): Promise<string> {
    return site.done(["noc", "secret", "seal", site.gatewayId, "--stdin", "--dir", site.path("enrolment")], secret);
  }

  /** Wrong files, refused devices, services and flows that fail, a flow host that dies. */
  async function causeTrouble(hunt: CanaryHunt): Promise<void> {
    const broken = site.workspace.write(
      "broken.yaml",
      [
        "gateway: { id: UPPER }",
        `uplink: { url: "mqtt://user:${planted.clear.text}@127.0.0.1", password: [${planted.clear.text}] }`,
        `credentials: { a: { snmp: { version: 2c, community: { ${planted.clear.text}: 1 } } }, b: { snmp: { version: 3, auth: { sha256: ${planted.clear.text} } } } }`,
      ].join("\n"),
    );
    await tried(hunt, ["config", "check", broken]);
    await tried(hunt, ["run", "--config", broken, "--state", site.path("unused")]);
    const clear = site.workspace.write("clear.yaml", `credentials: { c: { snmp: { version: 2c, community: ${planted.clear.text} } } }\n`);
    expect(await tried(hunt, ["noc", "config", "apply", site.gatewayId, clear, ...asked()])).toContain("clear text");
    const overlay = site.workspace.write(
      "overlay.yaml",
      [
        `credentials: { pushed: { snmp: { version: 2c, community: ${await sealed(planted.pushed.text)} } } }`,
        `equipment: [{ id: agent-pushed, address: 127.0.0.1, port: ${site.snmpPort}, driver: snmp, credential: pushed, pollIntervalMs: 1000, settings: { allowSet: true } }]`,
      ].join("\n"),
    );
    await tried(hunt, ["noc", "config", "apply", site.gatewayId, overlay, ...asked()]);
    const activate = [
      "noc",
      "activate",
      site.gatewayId,
      "backup-freshness",
      "--set",
      "url=http://127.0.0.1:9/",
      "--set",
      "useToken=true",
      "--no-wait",
    ];
    expect(await tried(hunt, [...activate, "--secret", `apiToken=${planted.clear.text}`, ...asked()])).toContain("clear text");
    await tried(hunt, [...activate, "--secret", `apiToken=${await sealed(planted.apiToken.text)}`, ...asked()]);
    const flow = [
      { id: "a", type: "http call", x: 1, y: 1, wires: [], url: "http://192.0.2.1/", credentials: { password: planted.flow.text } },
    ];
    const file = site.workspace.write("flow.json", JSON.stringify(flow));
    expect(await tried(hunt, ["noc", "push-flow", site.gatewayId, "carrier", file, ...asked()])).toContain("clear text");
    if (network.isOpen) await useSecret(hunt);
    await drawTab(
      site,
      hunt,
      { ...typed, ofSite: planted.community },
      network.isOpen ? `http://${network.address}:8081/` : "http://192.0.2.1/",
    );
    killFlowHost(site.gateways.at(-1)?.child.pid ?? 0);
  }

  /** A service that uses its secret at a server which tells it back, and then says wherever it can all that it saw. */
  async function useSecret(hunt: CanaryHunt): Promise<void> {
    const [, value = ""] = /\$sealed": "([^"]+)"/.exec(await sealed(planted.used.text)) ?? [];
    const documents = tellTaleService(`http://${network.address}:8081/`, value);
    const headers = { authorization: `Bearer ${site.token}`, "content-type": "application/json" };
    const desired = site.nocUrl(`/api/gateways/${site.gatewayId}/desired`);
    const before = (await (await fetch(desired, { headers })).json()) as { readonly documents?: readonly object[] };
    expect(before).toBeDefined();
    hunt.look(
      "desired with a sealed secret",
      await (await fetch(desired, { method: "PUT", headers, body: JSON.stringify({ documents }) })).text(),
    );
    let said = "";
    await until(
      "the service told what it saw",
      async () => {
        said = JSON.stringify(await site.control("alarms"));
        return said.includes("[secret]");
      },
      90_000,
      () => said,
    );
    // The server had all of it: its length is that of the planted text.
    expect(said).toContain(`length ${planted.used.text.length}`);
    hunt.look("what the service saw", said);
  }

  it("stand in no log, error, answer, page, message, database, bundle or dump", async () => {
    site.startGateway();
    await site.connected();
    const identity = new IdentityFolder(site.path("gateway"), systemEntropy);
    const keys = identity.keys();
    const bodyOf = (pem: string) => pem.split("\n")[1] ?? "";
    const canaries = [
      ...Object.values(planted),
      ...Object.values(typed),
      new Canary("claim", Buffer.from(parseLabel(site.label).claim).toString("hex")),
      new Canary("claim-in-label", site.label.split(/[./:]/).toSorted((a, b) => b.length - a.length)[0] ?? ""),
      new Canary("identity-key", bodyOf(keys?.identity ?? "")),
      new Canary("sealing-key", bodyOf(keys?.sealing ?? "")),
      new Canary("evidence-key", bodyOf(keys?.evidence ?? "")),
      new Canary("noc-token", site.token),
    ];
    const hunt = new CanaryHunt(canaries);
    await causeTrouble(hunt);
    const polled = async () => (await site.control<Status>("status"))?.equipment.find((one) => one.id === "agent-pushed");
    await until("the pushed credential works and the others failed", async () => ((await polled())?.samples ?? 0) > 0, 30_000);
    await until("alarms were raised", async () => JSON.stringify(await site.control("alarms")).includes("nreachable"), 30_000);
    await setSecrets(site, hunt, planted, (secret) => sealed(secret));
    await lookEverywhere(site, hunt);
    for (const { topic, payload } of overheard) hunt.look(`mqtt ${topic}`, payload);
    expect(hunt.places).toBeGreaterThan(100);
    expect(hunt.hits).toEqual([]);
  }, 300_000);
});

/** As the kernel or a bug would: without a word. */
function killFlowHost(parent: number): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const isOurs = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1] === String(parent);
      if (isOurs && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("flow-host")) process.kill(Number(pid), "SIGSEGV");
    } catch {
      // It ended while it was looked at.
    }
  }
}
