import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TlsOptions } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { peer } from "../../peers.ts";
import { portOf, probe, Servers } from "./probe-kit.ts";

const servers = new Servers();
const openssl = peer("openssl");
let folder = "";
let ca = "";
/** Issued by our authority: for localhost, expired, for somebody else; and one that signed itself. */
const issued = new Map<string, { readonly key: string; readonly cert: string }>();

function run(...args: readonly string[]): void {
  execFileSync(openssl.path, [...args], { cwd: folder, stdio: "pipe" });
}

function issue(name: string, altName: string, days: readonly string[]): void {
  run(
    "req",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
    "-subj",
    `/CN=${name}`,
  );
  writeFileSync(join(folder, "ext"), `subjectAltName=${altName}\n`);
  run(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-out",
    `${name}.pem`,
    "-extfile",
    "ext",
    ...days,
  );
  issued.set(name, { key: readFileSync(join(folder, `${name}.key`), "utf8"), cert: readFileSync(join(folder, `${name}.pem`), "utf8") });
}

beforeAll(() => {
  if (!openssl.available) return;
  folder = mkdtempSync(join(tmpdir(), "gatehouse-probe-"));
  run(
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "30",
    "-subj",
    "/CN=Test Authority",
  );
  ca = readFileSync(join(folder, "ca.pem"), "utf8");
  issue("good", "DNS:localhost,IP:127.0.0.1", ["-days", "10"]);
  issue("expired", "DNS:localhost,IP:127.0.0.1", ["-days", "-1"]);
  issue("other", "DNS:www.example.net", ["-days", "10"]);
});
afterEach(() => servers.end());
afterAll(() => {
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

async function serve(name: string, options: TlsOptions = {}): Promise<string> {
  const server = createServer({ ...issued.get(name), ...options }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.resume();
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.onEnd(() => void server.close());
  return `127.0.0.1:${portOf(server)}`;
}

describe.skipIf(!openssl.available)(`a tls check ${openssl.reason}`, () => {
  it("reports phases, protocol, cipher and the certificate's facts", async () => {
    const target = await serve("good");
    const outcome = await probe({ type: "tls", target, settings: { ca, serverName: "localhost" } });
    expect(outcome.failure).toBeUndefined();
    expect(outcome.evidence["tls"]).toMatchObject({
      protocol: "TLSv1.3",
      serverName: "localhost",
      certificate: { subject: "good", issuer: "Test Authority", daysLeft: 9, altNames: "DNS:localhost, IP Address:127.0.0.1" },
    });
    expect(outcome.values.get("certificateDays")).toBe(9);
    const [connect = 0, tls = 0, latency = 0] = ["connect", "tls", "latency"].map((name) => outcome.values.get(name));
    expect(connect + tls).toBeCloseTo(latency, 2);
  });

  it.each([
    ["an expired certificate", "expired", {}, "tls", /^the certificate has expired/],
    ["a certificate for somebody else", "other", {}, "tls", /^the certificate is not for localhost/],
    ["an authority that nobody knows", "good", { ca: undefined }, "tls", /^the certificate is not trusted/],
    ["a certificate that ends soon", "good", { minDays: 30 }, "assertion", /^the certificate is valid for 9 days more, fewer than 30/],
  ])("fails for %s, and shows its facts all the same", async (_name, which, more, stage, text) => {
    const target = await serve(which);
    const settings = Object.fromEntries(
      Object.entries({ ca, serverName: "localhost", ...more }).filter(([, value]) => value !== undefined),
    );
    const outcome = await probe({ type: "tls", target, settings });
    expect(outcome.failure).toMatchObject({ stage, code: "certificate", text: expect.stringMatching(text) });
    expect(outcome.evidence["tls"]).toMatchObject({ certificate: { subject: which } });
    expect(outcome.values.has("certificateDays")).toBe(true);
    expect(outcome.values.has("latency")).toBe(false);
  });

  it("passes whatever certificate where it is told not to verify", async () => {
    const outcome = await probe({ type: "tls", target: await serve("expired"), settings: { verify: false } });
    expect(outcome.ok).toBe(true);
    expect(outcome.values.get("certificateDays")).toBeLessThan(0);
  });

  it("fails for a protocol that is too old", async () => {
    const target = await serve("good", { maxVersion: "TLSv1.2" });
    const outcome = await probe({ type: "tls", target, settings: { ca, serverName: "localhost", minProtocol: "TLSv1.3" } });
    expect(outcome.failure?.text).toBe("the server speaks TLSv1.2, older than TLSv1.3");
  });

  it("tells garbage, silence and a hang-up apart", async () => {
    const garbage = await servers.tcp((socket) => void socket.write(Buffer.alloc(5_000, 0x41)));
    expect((await probe({ type: "tls", target: `127.0.0.1:${garbage}` })).failure).toMatchObject({ stage: "tls", code: "tls" });
    const silent = await servers.tcp((socket) => void socket.resume());
    expect((await probe({ type: "tls", target: `127.0.0.1:${silent}`, timeoutMs: 300 })).failure).toMatchObject({
      stage: "tls",
      code: "timeout",
    });
    const leaves = await servers.tcp((socket) => void socket.once("data", () => socket.destroy()));
    expect((await probe({ type: "tls", target: `127.0.0.1:${leaves}` })).failure).toMatchObject({ stage: "tls", code: "reset" });
  });

  it("checks the certificate of https before it sends anything, credentials least of all", async () => {
    let asked = 0;
    const server = createHttpsServer({ ...issued.get("good") }, (_request, response) => {
      asked += 1;
      response.end("over tls");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.onEnd(() => {
      server.closeAllConnections();
      server.close();
    });
    const target = `https://localhost:${portOf(server)}/`;
    const credential = { token: "hidden" };
    const settings = { credential: "saas", auth: "bearer", expect: { contains: ["over tls"] } };
    const refused = await probe({ type: "http", target, credential, settings });
    expect(refused.failure).toMatchObject({ stage: "tls", code: "certificate" });
    expect(asked).toBe(0);
    const trusted = await probe({ type: "http", target, credential, settings: { ...settings, tls: { ca } } });
    expect(trusted.failure).toBeUndefined();
    expect(trusted.values.get("tls")).toBeGreaterThan(0);
    expect(trusted.values.get("certificateDays")).toBe(9);
  });
});
