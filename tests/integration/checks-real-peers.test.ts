import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { CheckView, LatencySummary } from "../../cloud-bridge/noc/registry/checks.ts";
import type { LastValueView } from "../../cloud-bridge/noc/registry/last-values.ts";
import { localCertificate } from "../cloud-bridge/notify/certificate.ts";
import { peer } from "../peers.ts";
import { freeTcpPort, freeUdpPort, gatehouse, RunningProcess, until, Workspace } from "./processes.ts";

/** Checks of each type; a trial takes more. */
const each = Number(process.env["GATEHOUSE_CHECKS_EACH"] ?? 1);
const missing = [peer("mosquitto"), peer("openssl"), peer("fping")].flatMap((one) => (one.available ? [] : [one.reason]));

const workspace = new Workspace();
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  workspace.remove();
});

function started(process: RunningProcess): RunningProcess {
  ends.push(() => process.end("SIGKILL"));
  return process;
}

/** A web server, with TLS beside it, a name server and a clock, all on loopback. */
async function startServers() {
  const web = createHttpServer((_request, response) => response.end('{"state":"up"}'));
  web.listen(0, "127.0.0.1");
  const certificate = localCertificate();
  const { createServer: createTlsServer } = await import("node:tls");
  const tls = createTlsServer(certificate, (socket) => socket.on("error", () => undefined).resume());
  tls.listen(0, "127.0.0.1");
  const names = createSocket("udp4");
  names.on("message", (query, from) => {
    const answer = Buffer.concat([query, Buffer.from("c00c00010001000000200004c0000207", "hex")]);
    answer.writeUInt16BE(0x8180, 2);
    answer.writeUInt16BE(1, 6);
    names.send(answer, from.port, from.address);
  });
  const time = createSocket("udp4");
  time.on("message", (request, from) => {
    const answer = Buffer.alloc(48);
    answer[0] = 0x24;
    answer[1] = 2;
    request.copy(answer, 24, 40, 48);
    const seconds = Date.now() / 1_000 + 2_208_988_800;
    for (const offset of [32, 40]) {
      answer.writeUInt32BE(Math.floor(seconds), offset);
      answer.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32), offset + 4);
    }
    time.send(answer, from.port, from.address);
  });
  names.bind(0, "127.0.0.1");
  time.bind(0, "127.0.0.1");
  await Promise.all([web, tls, names, time].map((server) => once(server, "listening")));
  ends.push(
    () => web.closeAllConnections(),
    () => web.close(),
    () => tls.close(),
    () => names.close(),
    () => time.close(),
  );
  const portOf = (server: { address(): unknown }) => (server.address() as { readonly port: number }).port;
  workspace.write("ca.pem", certificate.cert);
  return { web: portOf(web), tls: portOf(tls), names: names.address().port, time: time.address().port };
}

function configuration(broker: number, responder: number, closed: number, ports: Awaited<ReturnType<typeof startServers>>): string {
  const json = JSON.stringify;
  const ca = readFileSync(workspace.path("ca.pem"), "utf8");
  const types = {
    icmp: { target: "127.0.0.1" },
    tcp: { target: `127.0.0.1:${ports.web}` },
    tls: { target: `localhost:${ports.tls}`, settings: { ca } },
    http: { target: `http://127.0.0.1:${ports.web}/health`, settings: { expect: { json: [{ pointer: "/state", equals: "up" }] } } },
    dns: { target: "www.example.net", settings: { server: "127.0.0.1", port: ports.names, expect: ["192.0.2.7"] } },
    ntp: { target: `127.0.0.1:${ports.time}` },
    udp: { target: `127.0.0.1:${responder}`, settings: { packets: 20 } },
    path: { target: "127.0.0.1" },
  };
  const checks = Object.entries(types).flatMap(([type, one]) =>
    Array.from({ length: each }, (_, index) => ({ id: `${type}-${index}`, type, intervalMs: 5_000, timeoutMs: 4_000, ...one })),
  );
  return [
    "gateway: { id: gw-checks-01, tenant: acme, site: field }",
    "flows: { enabled: false }",
    `uplink: { url: "mqtt://127.0.0.1:${broker}", retryMaxMs: 5000 }`,
    "traps: { enabled: false }",
    "syslog: { enabled: false }",
    "console: { enabled: false }",
    "clock: { source: host }",
    "buffer: { budgetBytes: 67108864, durabilityWindowMs: 500 }",
    `limits: { checkPacketsPerSecond: ${100 + 60 * each}, checkBytesPerHour: 1000000000 }`,
    `checks: ${json([...checks, { id: "closed", type: "tcp", target: `127.0.0.1:${closed}`, intervalMs: 5_000, timeoutMs: 4_000 }])}`,
    "",
  ].join("\n");
}

describe.skipIf(missing.length > 0)(`checks between real peers${missing.length > 0 ? ` (${missing.join("; ")})` : ""}`, () => {
  it("are seen at the NOC: figures, results with evidence, and latencies that merge", async () => {
    const [broker, nocPort, closed] = [await freeTcpPort(), await freeTcpPort(), await freeTcpPort()];
    const responder = await freeUdpPort();
    workspace.write("mosquitto.conf", [`listener ${broker} 127.0.0.1`, "allow_anonymous true", "persistence false", ""].join("\n"));
    const mosquitto = started(new RunningProcess(peer("mosquitto").path, ["-c", workspace.path("mosquitto.conf")]));
    await mosquitto.until("mosquitto listens", () => mosquitto.lines.some((line) => line.includes("running")));
    const ports = await startServers();
    started(gatehouse(["probe", "respond", "--host", "127.0.0.1", "--port", String(responder), "--rate", "5000"]));
    const brokerUrl = `mqtt://127.0.0.1:${broker}`;
    const noc = started(
      gatehouse([
        "noc",
        "serve",
        "--broker",
        brokerUrl,
        "--dir",
        workspace.path("noc"),
        "--listen",
        `127.0.0.1:${nocPort}`,
        "--tenant",
        "acme",
      ]),
    );
    const ask = async <T>(path: string): Promise<T> => {
      const token = readFileSync(workspace.path("noc", "token"), "utf8").trim();
      const response = await fetch(`http://127.0.0.1:${nocPort}/api/gateways/gw-checks-01/${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return (response.ok ? await response.json() : {}) as T;
    };
    await noc.until("the NOC answers", () =>
      ask("checks").then(
        () => true,
        () => false,
      ),
    );
    workspace.write("gatehouse.yaml", configuration(broker, responder, closed, ports));
    const gateway = started(gatehouse(["run", "--config", workspace.path("gatehouse.yaml"), "--state", workspace.path("gateway")]));

    let views: readonly CheckView[] = [];
    const said = () =>
      `${JSON.stringify(views.map(({ check, ok, failure }) => ({ check, ok, failure })))}\n${gateway.lines.slice(-15).join("\n")}`;
    await until(
      "every check has passed once and the closed port has failed",
      async () => {
        views = (await ask<{ checks?: readonly CheckView[] }>("checks")).checks ?? [];
        return views.length === 8 * each + 1 && views.every((view) => view.ok === (view.check !== "closed"));
      },
      90_000,
      said,
    );
    expect(views.find((view) => view.check === "closed")?.failure).toMatchObject({ stage: "connect", code: "refused" });
    expect(views.find((view) => view.check === "tls-0")?.evidence).toMatchObject({ tls: { certificate: { subject: "localhost" } } });
    expect(views.every((view) => view.vantage === "lo/127.0.0.1")).toBe(true);

    // A stop sends what the histograms hold; they need not wait for their five minutes.
    expect(await gateway.end("SIGTERM"), gateway.lines.slice(-10).join("\n")).toBe(0);
    await until(
      "latencies of every check that passed are at the NOC",
      async () => {
        views = (await ask<{ checks?: readonly CheckView[] }>("checks")).checks ?? [];
        return views.filter((view) => view.lastHour.p95Ms !== null).length === 8 * each;
      },
      60_000,
      said,
    );
    const udp = await ask<{ whole: LatencySummary }>("checks/udp-0/latency?last=3600000");
    expect(udp.whole.count).toBe(20 * udp.whole.runs);
    const failed = await ask<{ whole: LatencySummary }>("checks/closed/latency");
    expect(failed.whole).toMatchObject({ count: 0, p50Ms: null, failures: failed.whole.runs });
    const { values } = await ask<{ values: readonly LastValueView[] }>("values?limit=2000");
    const value = (check: string, metric: string) =>
      values.find((one) => one.equipment === `check:${check}` && one.metric === metric)?.value;
    expect([value("http-0", "up"), value("closed", "up"), value("closed", "latency")]).toEqual([1, 0, undefined]);
    expect(value("udp-0", "mos")).toBeGreaterThan(4);
    expect(value("path-0", "hops")).toBe(1);
  }, 240_000);
});
