import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NameLookup, type TlsSettings } from "../../../cloud-bridge/uplink/socket.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import { peer } from "../../peers.ts";
import { connect, failure, uplinkTo } from "./fixture.ts";
import { RogueBroker } from "./rogue-broker.ts";

const openssl = peer("openssl");
let folder = "";
let broker: RogueBroker | undefined;

/** A P-256 certificate, signed by `issuer` or by itself. */
function certificate(name: string, issuer?: string): { key: string; cert: string } {
  const file = (extension: string) => join(folder, `${name}.${extension}`);
  const run = (...args: string[]) => execFileSync(openssl.path, args, { stdio: "pipe" });
  run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file("key"));
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  if (issuer === undefined) {
    run("req", "-x509", "-new", "-key", file("key"), "-days", "2", "-out", file("pem"), ...subject);
  } else {
    run("req", "-new", "-key", file("key"), "-out", file("csr"), ...subject);
    writeFileSync(file("ext"), `subjectAltName=DNS:${name}\n`);
    const signer = ["-CA", join(folder, `${issuer}.pem`), "-CAkey", join(folder, `${issuer}.key`), "-CAcreateserial"];
    run("x509", "-req", "-in", file("csr"), ...signer, "-days", "2", "-extfile", file("ext"), "-out", file("pem"));
  }
  return { key: readFileSync(file("key"), "utf8"), cert: readFileSync(file("pem"), "utf8") };
}

const made: Record<"ca" | "otherCa" | "server" | "gateway", { key: string; cert: string }> = {
  ca: { key: "", cert: "" },
  otherCa: { key: "", cert: "" },
  server: { key: "", cert: "" },
  gateway: { key: "", cert: "" },
};

beforeAll(() => {
  if (!openssl.available) return;
  folder = mkdtempSync(join(tmpdir(), "uplink-tls-"));
  made.ca = certificate("noc-ca");
  made.otherCa = certificate("other-ca");
  made.server = certificate("broker.example.net", "noc-ca");
  made.gateway = certificate("gw-1", "noc-ca");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(async () => {
  await broker?.stop();
  broker = undefined;
});

const local = new NameLookup(() => Promise.resolve([{ address: "127.0.0.1", family: 4 }]));

async function attempt(server: TlsOptions, tls: Partial<TlsSettings> = {}, host = "broker.example.net"): Promise<unknown> {
  broker = await RogueBroker.start({}, { ...made.server, ...server });
  const settings = { ca: made.ca.cert, ...tls };
  const uplink = uplinkTo(`mqtts://${host}:${broker.port}`, { names: local, tls: settings, password: "secret-word" });
  try {
    const session = await connect(uplink);
    await session.publish("tm", new Uint8Array(1));
    await session.end("drop");
    return "connected";
  } catch (error) {
    return error instanceof GatewayError ? error.code : error;
  }
}

describe.skipIf(!openssl.available)(`TLS${openssl.available ? "" : ` (${openssl.reason})`}`, () => {
  it("connects to a server whose certificate the pinned authority signed", async () => {
    expect(await attempt({})).toBe("connected");
    expect(broker?.last.of("connect")[0]).toHaveProperty("password", Buffer.from("secret-word"));
  });

  it("offers the protocol's name by ALPN and speaks TLS 1.3", async () => {
    let seen: unknown;
    const server: TlsOptions = { ALPNProtocols: ["mqtt"] };
    expect(await attempt(server)).toBe("connected");
    const socket = broker?.last.socket;
    if (socket !== undefined && "alpnProtocol" in socket && "getProtocol" in socket && typeof socket.getProtocol === "function")
      seen = [socket.alpnProtocol, socket.getProtocol()];
    expect(seen).toEqual(["mqtt", "TLSv1.3"]);
  });

  it.each<[string, TlsOptions, () => Partial<TlsSettings>, string | undefined]>([
    ["another authority", {}, () => ({ ca: made.otherCa.cert }), undefined],
    ["another name", {}, () => ({ servername: "elsewhere.example.net" }), undefined],
    ["TLS 1.2 only", { maxVersion: "TLSv1.2" }, () => ({}), undefined],
  ])("refuses a server of %s, and no credential reaches it", async (_name, server, tls, host) => {
    expect(await attempt(server, tls(), host)).toBe("uplink.tls");
    expect(broker?.peers.flatMap((one) => one.received)).toEqual([]);
  });

  it("shows its own certificate to a server that asks for one", async () => {
    const server: TlsOptions = { requestCert: true, rejectUnauthorized: true, ca: made.ca.cert };
    expect(await attempt(server, made.gateway)).toBe("connected");
  });

  it("fails when the server asks for a certificate and there is none", async () => {
    const outcome = await attempt({ requestCert: true, rejectUnauthorized: true, ca: made.ca.cert });
    expect(outcome).toMatch(/^uplink\.(tls|unreachable)$/);
  });

  it("refuses a plain-text server", async () => {
    broker = await RogueBroker.start();
    const error = await failure(
      connect(uplinkTo(`mqtts://broker.example.net:${broker.port}`, { names: local, tls: { ca: made.ca.cert }, connectTimeoutMs: 500 })),
    );
    expect(error instanceof GatewayError && error.code).toMatch(/^uplink\.(tls|unreachable)$/);
    expect(broker.peers.flatMap((one) => one.received)).toEqual([]);
  });
});
