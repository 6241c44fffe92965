import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { GatewayError } from "#model/errors.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import type { ConsoleTls } from "./console/source.ts";
import { SealedFiles } from "./host/sealed-file.ts";
import { makeStateFolder } from "./host/state-folder.ts";

/**
 * How the console is encrypted: not on this machine's own address, by a certificate of its own beyond it. That is made once, kept encrypted with
 * the identity, and goes with it; people compare its fingerprint with `gatehouse console code`. undefined = plain HTTP.
 */
export function consoleTls(
  stateDir: string,
  configuration: GatewayConfiguration,
  entropy: Entropy,
): (() => Promise<ConsoleTls>) | undefined {
  const { host, tls, certificate, key, allowedHosts } = configuration.console;
  if (tls === "off" || (tls === "auto" && isLoopback(host))) return undefined;
  return async () => {
    const { fingerprintOf, makeOwnCertificate } = await import("../cloud-bridge/uplink/enrolment/own-certificate.ts");
    const given = certificate === undefined || key === undefined ? undefined : { certificate: readPem(certificate), key: readPem(key) };
    const pair =
      given ??
      (await kept(stateDir, entropy, () => makeOwnCertificate(namesOf(configuration.gateway.id, host, allowedHosts), serial(entropy))));
    return { certificate: pair.certificate, key: pair.key, fingerprint: fingerprintOf(pair.certificate) };
  };
}

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

async function kept(stateDir: string, entropy: Entropy, make: () => Promise<Pair>): Promise<Pair> {
  const folder = join(stateDir, "identity");
  const files = new SealedFiles(join(folder, "root.key"), entropy);
  const file = join(folder, "console-tls.sealed");
  const before = files.read(file) as Pair | undefined;
  if (before !== undefined) return before;
  makeStateFolder(folder);
  const made = await make();
  files.write(file, made);
  return made;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

function namesOf(gateway: string, host: string, allowed: readonly string[]): readonly string[] {
  const own = host === "0.0.0.0" || host === "::" ? [] : [host];
  return [...new Set([gateway, ...own, ...allowed, hostname(), "localhost", "127.0.0.1"])].filter(
    (name) => isIP(name) > 0 || /^[A-Za-z0-9.-]+$/.test(name),
  );
}

function serial(entropy: Entropy): string {
  return `00${Buffer.from(entropy.bytes(15)).toString("hex")}`;
}

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new GatewayError("config.unreadable", { message: `${file} of the console cannot be read`, fields: { file }, cause });
  }
}
