import { createHash, createPrivateKey } from "node:crypto";
import { request as httpsRequest } from "node:https";
import { connect } from "node:tls";
import { CompactSign } from "jose";
import { GatewayError } from "#model/errors.ts";
import type { DeviceKeys } from "#model/identity.ts";
import {
  type EnrolledIdentity,
  type EnrolmentAnswer,
  enrolmentProof,
  type LabelContent,
  maxEnrolmentBytes,
} from "../../protocol/enrolment.ts";
import { certificateRequest, publicHalf } from "./device-keys.ts";

const timeoutMs = 30_000;

/** The NOC's enrolment door and whom to believe there. */
export interface EnrolmentDoor {
  /** `https://host[:port]`. */
  readonly url: string;
  /** The authority that its certificate must come from, PEM. */
  readonly authority: string;
}

/**
 * Finds the authority behind `url` and compares it with the fingerprint of the label. Nothing is told to the server before that.
 * @throws GatewayError uplink.unreachable | uplink.tls
 */
export async function pinAuthority(url: string, fingerprint: string): Promise<EnrolmentDoor> {
  const { hostname, port } = doorAddress(url);
  const root = await new Promise<Uint8Array>((resolve, reject) => {
    // Only the chain is read here; the requests themselves go over connections that verify it.
    const socket = connect({ host: hostname, port, rejectUnauthorized: false, minVersion: "TLSv1.3", timeout: timeoutMs }, () => {
      let certificate = socket.getPeerCertificate(true);
      for (let depth = 0; depth < 8 && certificate.issuerCertificate !== undefined; depth++) {
        if (certificate.issuerCertificate.fingerprint256 === certificate.fingerprint256) break;
        certificate = certificate.issuerCertificate;
      }
      socket.destroy();
      resolve(certificate.raw ?? new Uint8Array());
    });
    socket.on("timeout", () => socket.destroy(new Error("timeout")));
    socket.on("error", (cause) => reject(unreachable(url, cause)));
  });
  const seen = createHash("sha256").update(root).digest("hex");
  if (seen !== fingerprint) {
    throw new GatewayError("uplink.tls", {
      message: "the server is not the NOC that the label names: its authority has another fingerprint. Nothing was told to it",
      fields: { url },
    });
  }
  const text = Buffer.from(root)
    .toString("base64")
    .replace(/(.{64})/g, "$1\n")
    .trimEnd();
  return { url, authority: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n` };
}

/** One attempt. @throws GatewayError uplink.unreachable | uplink.tls | uplink.refused (with what the NOC says) */
export async function enrol(
  door: EnrolmentDoor,
  label: Pick<LabelContent, "serial" | "claim">,
  keys: DeviceKeys,
): Promise<EnrolmentAnswer> {
  const { serial, claim } = label;
  const nonce = await startAt(door, serial);
  const unproven = {
    ...{ serial, nonce, csr: await certificateRequest(keys.identity, serial) },
    ...{ sealingKey: await publicHalf(keys.sealing, "sealing"), evidenceKey: await publicHalf(keys.evidence, "evidence") },
  };
  const answer = await post(door, "/enrol/finish", { ...unproven, proof: enrolmentProof(claim, unproven) });
  if (answer["status"] === "waiting") return { status: "waiting", retryAfterS: Number(answer["retryAfterS"]) || 60 };
  const texts = ["gateway", "tenant", "site", "broker", "certificate", "authority"];
  if (answer["status"] !== "enrolled" || texts.some((name) => typeof answer[name] !== "string"))
    throw new GatewayError("uplink.refused", { message: "the NOC's answer to the enrolment is not understood", fields: { url: door.url } });
  return answer as unknown as EnrolledIdentity;
}

/** A new certificate for the same key, before or after the old one has run out. @throws as `enrol` */
export async function renew(
  door: EnrolmentDoor,
  gateway: string,
  identityKey: string,
): Promise<Pick<EnrolledIdentity, "certificate" | "authority">> {
  const nonce = await startAt(door, gateway);
  const csr = await certificateRequest(identityKey, gateway);
  const token = await new CompactSign(Buffer.from(JSON.stringify({ gateway, nonce, csr })))
    .setProtectedHeader({ alg: "ES256", typ: "gh-renew+jws" })
    .sign(createPrivateKey(identityKey));
  const { certificate, authority } = await post(door, "/enrol/renew", { token });
  if (typeof certificate !== "string" || typeof authority !== "string")
    throw new GatewayError("uplink.refused", { message: "the NOC's answer to the renewal is not understood", fields: { url: door.url } });
  return { certificate, authority };
}

async function startAt(door: EnrolmentDoor, serial: string): Promise<string> {
  const { nonce } = await post(door, "/enrol/start", { serial });
  if (typeof nonce !== "string")
    throw new GatewayError("uplink.refused", { message: "the NOC gave no nonce for the enrolment", fields: { url: door.url } });
  return nonce;
}

function post(door: EnrolmentDoor, path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
  const { hostname, port } = doorAddress(door.url);
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        ...{ host: hostname, port, path, method: "POST", ca: door.authority, minVersion: "TLSv1.3", agent: false, timeout: timeoutMs },
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text) },
      },
      (response) => {
        let answer = "";
        response.setEncoding("utf8");
        response.on("data", (piece: string) => {
          answer += piece;
          if (answer.length > maxEnrolmentBytes) request.destroy(new Error("the answer is too long"));
        });
        response.on("error", (cause) => reject(unreachable(door.url, cause)));
        response.on("end", () => settle(response.statusCode ?? 0, answer));
      },
    );
    const settle = (status: number, answer: string) => {
      const value = objectOf(answer);
      if (status === 200 && value !== undefined) return resolve(value);
      const refusal = value?.["error"] as { readonly message?: unknown } | undefined;
      const why = typeof refusal?.message === "string" ? refusal.message.slice(0, 300) : `status ${status}`;
      reject(new GatewayError("uplink.refused", { message: `the NOC refused: ${why}`, fields: { url: door.url } }));
    };
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", (cause) => reject(unreachable(door.url, cause)));
    request.end(text);
  });
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function doorAddress(url: string): { readonly hostname: string; readonly port: number } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "https:")
    throw new GatewayError("config.invalid", { message: "the enrolment address must be https://host[:port]" });
  return { hostname: parsed.hostname.replace(/^\[|\]$/g, ""), port: parsed.port === "" ? 443 : Number(parsed.port) };
}

function unreachable(url: string, cause: Error): GatewayError {
  const code = (cause as NodeJS.ErrnoException).code ?? cause.message;
  const isTls = /CERT|SSL|TLS|SELF_SIGNED|ALTNAME/.test(code);
  return new GatewayError(isTls ? "uplink.tls" : "uplink.unreachable", { fields: { url, reason: code }, cause });
}
