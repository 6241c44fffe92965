import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { GatewayError } from "#model/errors.ts";
import { emqxAcl, mosquittoAcl, mosquittoListener } from "../cloud-bridge/noc/enrolment/broker-files.ts";
import { CertificateAuthority } from "../cloud-bridge/noc/enrolment/certificate-authority.ts";
import { EnrolmentDesk } from "../cloud-bridge/noc/enrolment/enrolment-desk.ts";
import { EnrolmentServer } from "../cloud-bridge/noc/enrolment/enrolment-server.ts";
import { Roster } from "../cloud-bridge/noc/enrolment/roster.ts";
import { formatLabel, parseLabel, serialPattern } from "../cloud-bridge/protocol/enrolment.ts";
import type { CommandContext } from "./cli/context.ts";
import { writeDurably } from "./host/sealed-file.ts";

const dayMs = 86_400_000;
const rewriteEveryMs = 2_000;
/** The revocation list is valid for 30 days; a new one each day leaves room for a role that was away. */
const listEveryMs = dayMs;

/** Makes the authority. @throws GatewayError noc.invalid when there is one */
export async function initialise(dir: string, name: string, context: CommandContext): Promise<string> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const files = authorityFiles(dir);
  if (existsSync(files.key)) throw new GatewayError("noc.invalid", { message: `${dir} has an authority already; it is never replaced` });
  const made = await CertificateAuthority.create(name, context.clock, context.entropy);
  writeDurably(files.key, Buffer.from(made.key), 0o400);
  writeDurably(files.certificate, Buffer.from(made.certificate), 0o644);
  const { fingerprint } = await CertificateAuthority.open(made, context.clock, context.entropy);
  return `authority made: ${files.certificate}\nfingerprint ${fingerprint}\nkeep a copy of ${files.key} offline; nobody else needs it\n`;
}

/** Runs the role until it is told to stop. */
export async function serve(options: ServeOptions, context: CommandContext): Promise<void> {
  const signal = context.stopSignal();
  const logger = await context.logger({ to: "stdout" });
  const authority = await openAuthority(options.dir, context);
  const roster = openRoster(options.dir);
  const [host, port] = addressOf(options.listen);
  const names = [...new Set([...options.serverName, ...(host === "0.0.0.0" || host === "::" ? [] : [host]), "localhost"])];
  const desk = new EnrolmentDesk({
    ...{ authority, roster, broker: options.broker, unlistedWait: options.unlistedWait === true },
    ...(options.trust === undefined ? {} : { trust: () => JSON.parse(readNamed(options.trust ?? "")) as unknown }),
    ...{ clock: context.clock, entropy: context.entropy },
  });
  const tls = await authority.issueServer(names, 365);
  const server = new EnrolmentServer({
    ...{ desk, listen: { host, port }, tls, logger },
    onListening: (bound) => logger.info({ url: `https://${isIP(host) === 6 ? `[${host}]` : host}:${bound}` }, "enrolment is open"),
  });
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  try {
    await Promise.race([server.run(both), keepBrokerFiles(options, { authority, roster }, context, both)]);
  } finally {
    stop.abort(new Error("the role ends"));
    roster.close();
  }
}

/** Writes ACL and revocation list whenever the list changed, and tells the broker. */
async function keepBrokerFiles(
  options: ServeOptions,
  parts: { readonly authority: CertificateAuthority; readonly roster: Roster },
  context: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = context;
  let before = "";
  let listMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    const state = JSON.stringify([parts.roster.revocations(), tenantsOf(parts.roster)]);
    const isDue = state !== before || clock.monotonicMs() - listMs > listEveryMs;
    if (options.brokerFiles !== undefined && isDue) {
      mkdirSync(options.brokerFiles, { recursive: true });
      await writeBrokerFiles(options.brokerFiles, parts);
      hangUp(options.brokerPidFile);
      before = state;
      listMs = clock.monotonicMs();
    }
    await clock.sleep(rewriteEveryMs, signal).catch(() => undefined);
  }
}

async function writeBrokerFiles(
  folder: string,
  parts: { readonly authority: CertificateAuthority; readonly roster: Roster },
): Promise<void> {
  const write = (name: string, text: string) => writeDurably(join(folder, name), Buffer.from(text), 0o644);
  write("authority.pem", parts.authority.certificatePem);
  write("revoked.pem", await parts.authority.revocationList(parts.roster.revocations()));
  write("gateways.acl", mosquittoAcl(tenantsOf(parts.roster)));
  write("emqx-acl.conf", emqxAcl());
}

function hangUp(pidFile: string | undefined): void {
  if (pidFile === undefined || !existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8").trim());
  if (Number.isSafeInteger(pid) && pid > 1) process.kill(pid, "SIGHUP");
}

/** A device on the list, with the text of its label. @throws GatewayError noc.invalid */
/** A file that a person named. @throws GatewayError config.unreadable */
function readNamed(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new GatewayError("config.unreadable", { message: `${file} cannot be read`, cause });
  }
}

/** As `ship`, of a device that is on the list: a mistyped serial number must not become one. */
export async function approve(serial: string, options: ShipOptions, context: CommandContext): Promise<string> {
  const roster = openRoster(options.dir);
  const known = roster.find(serial);
  roster.close();
  if (known === undefined)
    throw new GatewayError("noc.invalid", {
      message: `${serial} has not come here yet (gatehouse noc enrolment list shows who has); gatehouse noc enrolment ship puts a new device on the list`,
    });
  return ship(serial, options, context);
}

export async function ship(serial: string, options: ShipOptions, context: CommandContext): Promise<string> {
  if (!serialPattern.test(serial))
    throw new GatewayError("noc.invalid", { message: "a serial number is 4 to 32 of A-Z, 0-9 and '-', as printed on the device" });
  const gateway = options.gateway ?? serial.toLowerCase();
  for (const [name, value] of Object.entries({ tenant: options.tenant, site: options.site, gateway })) {
    if (!/^[a-z0-9-]{3,40}$/.test(value)) throw new GatewayError("noc.invalid", { message: `${name} must be 3 to 40 of a-z, 0-9 and '-'` });
  }
  const authority = await openAuthority(options.dir, context);
  const roster = openRoster(options.dir);
  try {
    const before = roster.find(serial);
    if (before?.state === "enrolled") throw new GatewayError("noc.invalid", { message: `${serial} is enrolled; release it first` });
    const label = options.labelFile === undefined ? undefined : parseLabel(readNamed(options.labelFile));
    const claim = label?.claim ?? context.entropy.bytes(16);
    roster.put({
      ...{ serial, state: "shipped", tenant: options.tenant, site: options.site, gateway },
      claimDigest: createHash("sha256").update(claim).digest("hex"),
      claimUntilMs: context.clock.now().wallMs + Number(options.days ?? "365") * dayMs,
    });
    const text = formatLabel({ serial, claim, authorityFingerprint: authority.fingerprint });
    return `${text}\n`;
  } finally {
    roster.close();
  }
}

export async function list(dir: string, asJson: boolean): Promise<string> {
  const roster = openRoster(dir);
  try {
    const shown = roster.list().map(({ serial, state, tenant, site, gateway, notAfterMs }) => ({
      ...{ serial, state, tenant, site, gateway },
      certificateUntil: notAfterMs === 0 ? "" : new Date(notAfterMs).toISOString(),
    }));
    if (asJson) return `${JSON.stringify(shown, null, 2)}\n`;
    return shown.map((one) => `${Object.values(one).join("  ")}\n`).join("") || "no devices are on the list\n";
  } finally {
    roster.close();
  }
}

export async function events(dir: string): Promise<string> {
  const roster = openRoster(dir);
  try {
    return roster
      .events(200)
      .map((one) => `${new Date(one.atMs).toISOString()}  ${one.serial}  ${one.what}  from ${one.from}\n`)
      .join("");
  } finally {
    roster.close();
  }
}

export async function revoke(gateway: string, dir: string, context: CommandContext): Promise<string> {
  return voided(gateway, "revoked", dir, context);
}

export async function release(gateway: string, dir: string, context: CommandContext): Promise<string> {
  return voided(gateway, "released", dir, context);
}

function voided(gateway: string, state: "revoked" | "released", dir: string, context: CommandContext): string {
  const roster = openRoster(dir);
  try {
    const device = roster.findGateway(gateway);
    if (device === undefined) throw new GatewayError("noc.invalid", { message: `there is no gateway ${gateway}` });
    const atMs = context.clock.now().wallMs;
    roster.transaction(() => {
      if (device.certificateSerial !== "") roster.revoke(device.certificateSerial, gateway, atMs);
      roster.change(device.serial, { state, certificateSerial: "", keyThumbprint: "", identityKey: "", claimDigest: "" });
      roster.note({ atMs, serial: device.serial, what: state, from: "operator" });
    });
    const next = state === "revoked" ? "" : `\nnext: gatehouse noc enrolment approve ${device.serial} --tenant ... --site ...`;
    return `${gateway} is ${state}; the broker refuses it as soon as it has read the new revocation list${next}\n`;
  } finally {
    roster.close();
  }
}

export async function serverCertificate(
  names: readonly string[],
  options: { readonly dir: string; readonly out: string; readonly days: string },
  context: CommandContext,
): Promise<string> {
  const made = await (await openAuthority(options.dir, context)).issueServer(names, Number(options.days));
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, "server-key.pem"), made.key, { mode: 0o600 });
  writeFileSync(join(options.out, "server-cert.pem"), made.certificate, { mode: 0o644 });
  return `${join(options.out, "server-key.pem")} and server-cert.pem were written for ${names.join(", ")}\n`;
}

export async function brokerFiles(
  folder: string,
  options: { readonly dir: string; readonly port: string },
  context: CommandContext,
): Promise<string> {
  const roster = openRoster(options.dir);
  try {
    mkdirSync(folder, { recursive: true });
    await writeBrokerFiles(folder, { authority: await openAuthority(options.dir, context), roster });
    const path = (name: string) => join(folder, name);
    const listener = mosquittoListener({
      ...{
        port: Number(options.port),
        authority: path("authority.pem"),
        certificate: path("server-cert.pem"),
        key: path("server-key.pem"),
      },
      ...{ revocationList: path("revoked.pem"), acl: path("gateways.acl") },
    });
    writeDurably(path("mosquitto-gateways.conf"), Buffer.from(listener), 0o644);
    return `${folder}: mosquitto-gateways.conf, gateways.acl, revoked.pem, authority.pem, emqx-acl.conf\n`;
  } finally {
    roster.close();
  }
}

function tenantsOf(roster: Roster): readonly { readonly tenant: string; readonly gateways: readonly string[] }[] {
  const tenants = new Map<string, string[]>();
  for (const { state, tenant, gateway } of roster.list()) {
    if (state === "enrolled") tenants.set(tenant, [...(tenants.get(tenant) ?? []), gateway]);
  }
  return [...tenants].map(([tenant, gateways]) => ({ tenant, gateways }));
}

function authorityFiles(dir: string): { readonly key: string; readonly certificate: string } {
  return { key: join(dir, "authority-key.pem"), certificate: join(dir, "authority.pem") };
}

async function openAuthority(dir: string, context: CommandContext): Promise<CertificateAuthority> {
  const files = authorityFiles(dir);
  if (!existsSync(files.key))
    throw new GatewayError("noc.invalid", { message: `${dir} has no authority: run gatehouse noc enrolment init` });
  if ((statSync(files.key).mode & 0o077) !== 0)
    throw new GatewayError("noc.invalid", { message: `${files.key} can be read by others than its owner: chmod 400 it` });
  const read = (file: string) => readFileSync(file, "utf8");
  return CertificateAuthority.open({ key: read(files.key), certificate: read(files.certificate) }, context.clock, context.entropy);
}

/** Only beside an authority: a mistyped folder must not become an empty list. */
function openRoster(dir: string): Roster {
  if (!existsSync(authorityFiles(dir).certificate))
    throw new GatewayError("noc.invalid", {
      message: `${dir} is no folder of the enrolment role: name it with --dir, or run gatehouse noc enrolment init`,
    });
  return new Roster(join(dir, "enrolment.db"));
}

function addressOf(text: string): readonly [string, number] {
  const found = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text);
  if (found === null) throw new GatewayError("noc.invalid", { message: `${text} is not HOST:PORT` });
  return [found[1] ?? "", Number(found[2])];
}

export interface ServeOptions {
  readonly dir: string;
  readonly listen: string;
  readonly broker: string;
  readonly serverName: readonly string[];
  readonly unlistedWait?: boolean;
  readonly trust?: string;
  readonly brokerFiles?: string;
  readonly brokerPidFile?: string;
}

export interface ShipOptions {
  readonly dir: string;
  readonly tenant: string;
  readonly site: string;
  readonly gateway?: string;
  readonly days?: string;
  readonly labelFile?: string;
}
