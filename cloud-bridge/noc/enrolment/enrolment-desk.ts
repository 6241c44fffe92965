import { createHash, timingSafeEqual } from "node:crypto";
import { compactVerify, decodeProtectedHeader, importJWK } from "jose";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import {
  type EnrolledIdentity,
  type EnrolmentAnswer,
  type EnrolmentRequest,
  isProven,
  type PublicJwk,
  serialPattern,
} from "../../protocol/enrolment.ts";
import { type CertificateAuthority, requestKey } from "./certificate-authority.ts";
import type { DeviceRecord, Roster } from "./roster.ts";

const nonceMs = 10 * 60_000;
const maxNonces = 4_096;
/** RELIABILITY 5.2: tries of one serial in an hour, right or wrong. */
const maxTriesPerHour = 5;
const maxCountedSerials = 4_096;
const waitingRetryS = 60;
/** A gateway that was switched off for long may still renew: its key is proof enough as long as nobody revoked it. */
const renewalGraceMs = 2 * 365 * 86_400_000;

export interface EnrolmentDeskOptions {
  readonly authority: CertificateAuthority;
  readonly roster: Roster;
  /** `mqtts://...`: where enrolled gateways connect to. */
  readonly broker: string;
  /** The root of trust of a gateway of this tenant, if the NOC signs documents. */
  readonly trust?: (tenant: string) => unknown;
  /** Devices that are on no list wait for a person instead of being refused. */
  readonly unlistedWait: boolean;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Decides who becomes a gateway and gives out certificates (RELIABILITY 5.1, 5.2). Every outcome is noted in the roster. */
export class EnrolmentDesk {
  readonly #options: EnrolmentDeskOptions;
  readonly #nonces = new Map<string, { readonly serial: string; readonly untilMs: number }>();
  readonly #tries = new Map<string, number[]>();

  constructor(options: EnrolmentDeskOptions) {
    this.#options = options;
  }

  /** A nonce for one attempt; says nothing about whether the serial is known. @throws GatewayError noc.invalid | noc.denied */
  start(serial: string): { readonly nonce: string } {
    if (!serialPattern.test(serial) && !/^[a-z0-9-]{3,40}$/.test(serial))
      throw new GatewayError("noc.invalid", { message: "this is no serial number" });
    const nonce = Buffer.from(this.#options.entropy.bytes(32)).toString("base64url");
    const oldest = this.#nonces.keys().next();
    if (this.#nonces.size >= maxNonces && oldest.done !== true) this.#nonces.delete(oldest.value);
    this.#nonces.set(nonce, { serial, untilMs: this.#options.clock.monotonicMs() + nonceMs });
    return { nonce };
  }

  /** @throws GatewayError noc.denied (wrong, used or revoked claim; too many tries) | noc.invalid */
  async finish(request: EnrolmentRequest, from: string): Promise<EnrolmentAnswer> {
    const { serial } = request;
    this.#useNonce(request.nonce, serial, from);
    this.#countTry(serial, from);
    const device = this.#options.roster.find(serial);
    if (device === undefined) return this.#unlisted(request, from);
    if (device.state === "waiting") return { status: "waiting", retryAfterS: waitingRetryS };
    if (device.state === "enrolled" || device.state === "revoked") {
      this.#note(serial, device.state === "enrolled" ? "claimed a second time: clone or theft" : "came although revoked", from);
      throw new GatewayError("noc.denied", {
        message: "this device is enrolled already, or its certificate was revoked; the NOC must release it first",
      });
    }
    const claim = Buffer.from(device.claimDigest, "hex");
    const isFresh = device.claimUntilMs > this.#options.clock.now().wallMs;
    if (claim.length !== 32 || !isFresh || !isProven(claim, request)) {
      this.#note(serial, isFresh ? "wrong claim" : "claim out of date", from);
      throw new GatewayError("noc.denied", { message: "the claim is wrong, was used already or is out of date" });
    }
    return this.#enrol(device, request, from);
  }

  /**
   * A new certificate for a gateway that proves possession of its identity key: compact JWS ES256, typ `gh-renew+jws`, payload
   * `{gateway, nonce, csr}`. The new request must be for the same key. @throws GatewayError noc.denied | noc.invalid
   */
  async renew(token: string, from: string): Promise<Pick<EnrolledIdentity, "certificate" | "authority">> {
    const { roster, authority, clock } = this.#options;
    const claimed = claimedGateway(token);
    const device = roster.findGateway(claimed);
    if (device === undefined || device.state !== "enrolled") {
      this.#note(claimed, "renewal refused: not enrolled", from);
      throw new GatewayError("noc.denied", { message: "this gateway is not enrolled, or its certificate was revoked" });
    }
    this.#countTry(device.serial, from);
    const { nonce, csr } = await verified(token, device);
    this.#useNonce(nonce, device.gateway, from);
    const { thumbprint } = await requestKey(csr);
    if (!sameText(thumbprint, device.keyThumbprint)) throw new GatewayError("noc.denied", { message: "the request is for another key" });
    if (clock.now().wallMs > device.notAfterMs + renewalGraceMs)
      throw new GatewayError("noc.denied", { message: "the certificate is out of date for too long: enrol again" });
    const issued = await authority.issueGateway(csr, device.gateway, device.tenant);
    roster.change(device.serial, { certificateSerial: issued.serialNumber, notAfterMs: issued.notAfterMs });
    this.#note(device.serial, "renewed", from);
    return { certificate: issued.pem, authority: authority.certificatePem };
  }

  async #enrol(device: DeviceRecord, request: EnrolmentRequest, from: string): Promise<EnrolledIdentity> {
    const { authority, roster, broker, trust, entropy } = this.#options;
    const key = await requestKey(request.csr);
    const issued = await authority.issueGateway(request.csr, device.gateway, device.tenant);
    const offlineKey = Buffer.from(entropy.bytes(32)).toString("base64url");
    // Single use: whoever comes second with the same claim finds the digest gone, even if both came at once.
    const isFirst = roster.transaction(() => {
      if (roster.find(device.serial)?.claimDigest !== device.claimDigest) return false;
      roster.change(device.serial, {
        ...{ state: "enrolled", claimDigest: "", certificateSerial: issued.serialNumber, notAfterMs: issued.notAfterMs },
        ...{ keyThumbprint: key.thumbprint, identityKey: JSON.stringify(key.jwk), sealingKey: JSON.stringify(request.sealingKey) },
        ...{ evidenceKey: JSON.stringify(request.evidenceKey), offlineKey },
      });
      return true;
    });
    if (!isFirst) throw new GatewayError("noc.denied", { message: "the claim is wrong, was used already or is out of date" });
    this.#note(device.serial, "enrolled", from);
    const { gateway, tenant, site } = device;
    const document = trust?.(tenant);
    return {
      ...{ status: "enrolled", gateway, tenant, site, broker, certificate: issued.pem, authority: authority.certificatePem, offlineKey },
      ...(document === undefined ? {} : { trust: document }),
    };
  }

  /** Not on the list: refused like a wrong claim, or put before a person. Its claim counts as given: whoever approves has seen the label. */
  #unlisted(request: EnrolmentRequest, from: string): EnrolmentAnswer {
    this.#note(request.serial, "not on the shipping list", from);
    if (!this.#options.unlistedWait)
      throw new GatewayError("noc.denied", { message: "the claim is wrong, was used already or is out of date" });
    const blank = { tenant: "default", site: "default", gateway: request.serial.toLowerCase(), claimDigest: "", claimUntilMs: 0 };
    if (this.#options.roster.list().filter((one) => one.state === "waiting").length >= 256)
      throw new GatewayError("noc.denied", { message: "too many devices wait for approval" });
    this.#options.roster.put({ serial: request.serial, state: "waiting", ...blank });
    return { status: "waiting", retryAfterS: waitingRetryS };
  }

  #useNonce(nonce: string, subject: string, from: string): void {
    const kept = this.#nonces.get(nonce);
    this.#nonces.delete(nonce);
    if (kept !== undefined && kept.serial === subject && kept.untilMs > this.#options.clock.monotonicMs()) return;
    this.#note(subject, "wrong or used nonce", from);
    throw new GatewayError("noc.denied", { message: "the nonce is unknown, used or too old: start again" });
  }

  #countTry(serial: string, from: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    const recent = (this.#tries.get(serial) ?? []).filter((atMs) => nowMs - atMs < 3_600_000);
    this.#tries.delete(serial);
    const oldest = this.#tries.keys().next();
    if (this.#tries.size >= maxCountedSerials && oldest.done !== true) this.#tries.delete(oldest.value);
    this.#tries.set(serial, [...recent, nowMs].slice(-maxTriesPerHour - 1));
    if (recent.length < maxTriesPerHour) return;
    this.#note(serial, "too many tries", from);
    throw new GatewayError("noc.denied", { message: "too many tries with this serial number: wait an hour" });
  }

  #note(serial: string, what: string, from: string): void {
    this.#options.roster.note({ atMs: this.#options.clock.now().wallMs, serial: serial.slice(0, 64), what, from });
  }
}

function claimedGateway(token: string): string {
  const [, payload = ""] = token.split(".");
  const { gateway } = jsonObject(Buffer.from(payload, "base64url").toString("utf8"));
  if (typeof gateway !== "string" || !/^[a-z0-9-]{3,40}$/.test(gateway))
    throw new GatewayError("noc.invalid", { message: "the renewal names no gateway" });
  return gateway;
}

async function verified(token: string, device: DeviceRecord): Promise<{ readonly nonce: string; readonly csr: string }> {
  try {
    const { typ, alg, ...rest } = decodeProtectedHeader(token);
    if (typ !== "gh-renew+jws" || alg !== "ES256" || Object.keys(rest).length > 0) throw new Error("header");
    // The key is the one of the enrolment, never one that the token brings along.
    const key = await importJWK(JSON.parse(device.identityKey) as PublicJwk, "ES256");
    const { payload } = await compactVerify(token, key, { algorithms: ["ES256"] });
    const { nonce, csr } = jsonObject(Buffer.from(payload).toString("utf8"));
    if (typeof nonce !== "string" || typeof csr !== "string") throw new Error("payload");
    return { nonce, csr };
  } catch (cause) {
    throw new GatewayError("noc.denied", { message: "the renewal is not signed by this gateway's key", cause });
  }
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new GatewayError("noc.invalid", { message: "this is not JSON", cause: cause instanceof Error ? cause.name : "unknown" });
  }
  throw new GatewayError("noc.invalid", { message: "a JSON object was expected" });
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
