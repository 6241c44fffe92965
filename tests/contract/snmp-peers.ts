import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SnmpCredential } from "../../runtime/model/equipment.ts";
import type { Varbind } from "../../runtime/ports/snmp.ts";
import { peer } from "../peers.ts";

export const authKey = "authentication-1";
export const privKey = "privacy-pass-1";

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** A real snmpd of our own: unprivileged, one free port, its state in a folder that goes with it. */
export class Snmpd {
  readonly folder = mkdtempSync(join(tmpdir(), "gatehouse-snmpd-"));
  port = 0;
  #process: ChildProcess | undefined;

  /**
   * @param users lines `createUser ...`; their access is read-write at the level they have
   * @param engine its id, and its boots before this start; absent = snmpd's own choice
   */
  async start(users: readonly string[], engine?: { readonly boots: number; readonly engineId: string }): Promise<void> {
    if (this.port === 0) this.port = await freeUdpPort();
    const configuration = join(this.folder, "snmpd.conf");
    const access = users.map((user) => {
      const [, name, , , priv] = user.split(" ");
      return `rwuser ${name} ${priv === undefined ? "auth" : "priv"}`;
    });
    const lines = [
      `agentAddress udp:127.0.0.1:${this.port}`,
      "rocommunity public",
      "rwcommunity private",
      "sysLocation shelf 3",
      "sysServices 72",
      ...(engine === undefined
        ? []
        : [`engineBoots ${engine.boots}`, `oldEngineID 0x${engine.engineId}`, `exactEngineID 0x${engine.engineId}`]),
      ...users,
      ...access,
    ];
    writeFileSync(configuration, `${lines.join("\n")}\n`);
    this.#process = spawn(peer("snmpd").path, ["-f", "-Lf", join(this.folder, "log"), "-C", "-c", configuration], {
      env: { ...process.env, SNMP_PERSISTENT_DIR: this.folder, SNMP_PERSISTENT_FILE: join(this.folder, "state"), MIBS: "" },
      stdio: "ignore",
    });
    await this.#untilItAnswers();
  }

  async #untilItAnswers(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        execFileSync(peer("snmpget").path, ["-v2c", "-cpublic", "-r0", "-t0.2", "-m", "", `127.0.0.1:${this.port}`, "1.3.6.1.2.1.1.3.0"], {
          stdio: "ignore",
        });
        return;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
      }
    }
    throw new Error("snmpd does not answer");
  }

  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null) return;
    running.kill("SIGKILL");
    await once(running, "exit");
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What Debian's snmpbulkwalk (snmpwalk for v1) prints for a subtree, as `oid = TYPE: value` with octets in hexadecimal. */
export function debianWalk(port: number, access: readonly string[], root: string): readonly string[] {
  const tool = access.includes("-v1") ? "snmpwalk" : "snmpbulkwalk";
  const format = ["-m", "", "-On", "-Oe", "-Ot", "-Ox", "-OU", "--hexOutputLength=0"];
  const output = execFileSync(peer(tool).path, [...access, ...format, "-t5", `127.0.0.1:${port}`, root], {
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  return output
    .split("\n")
    .filter((line) => line.startsWith(".") && !line.includes("No more variables"))
    .map((line) => line.slice(1).trimEnd());
}

/** A varbind as Debian's tools print it. */
export function asDebianPrints({ oid, type, value }: Varbind): string {
  const octets = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex").toUpperCase().replace(/../g, "$& ").trimEnd();
  if (value instanceof Uint8Array) {
    if (type === "opaque") return `${oid} = OPAQUE: ${octets(value)}`;
    return value.length === 0 ? `${oid} = ""` : `${oid} = Hex-STRING: ${octets(value)}`;
  }
  if (type === "timeticks") return `${oid} = ${value}`;
  if (type === "null") return `${oid} = NULL`;
  const names: Readonly<Record<string, string>> = {
    integer: "INTEGER",
    oid: "OID",
    "ip-address": "IpAddress",
    counter32: "Counter32",
    gauge32: "Gauge32",
    counter64: "Counter64",
  };
  return `${oid} = ${names[type] ?? type}: ${type === "oid" ? "." : ""}${value}`;
}

/** The options of Debian's tools for a credential of ours. */
export function debianAccess(credential: SnmpCredential): readonly string[] {
  if (credential.version !== "3") return [`-v${credential.version}`, "-c", credential.community];
  const authNames = { md5: "MD5", sha1: "SHA", sha224: "SHA-224", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };
  const { user, auth, priv } = credential;
  const level = priv !== undefined ? "authPriv" : auth !== undefined ? "authNoPriv" : "noAuthNoPriv";
  return [
    "-v3",
    "-u",
    user,
    "-l",
    level,
    ...(auth === undefined ? [] : ["-a", authNames[auth.protocol], "-A", auth.key]),
    ...(priv === undefined ? [] : ["-x", priv.protocol === "des" ? "DES" : "AES", "-X", priv.key]),
  ];
}
