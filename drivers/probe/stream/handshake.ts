import { isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as startTls, type TLSSocket } from "node:tls";
import { failed, socketFailure } from "../failure.ts";
import { orEnd, type ProbeRun } from "../run.ts";
import { certificateFacts, printable } from "./certificate.ts";

export interface TlsDemands {
  /** Expected in the certificate, and asked for by SNI unless it is an address. */
  readonly serverName: string;
  readonly verify: boolean;
  readonly ca?: string;
  readonly minDays?: number;
}

export interface Secured {
  readonly socket: TLSSocket;
  readonly tlsMs: number;
}

/**
 * TLS over a connected socket. The certificate is looked at even where it is refused: its facts are the evidence. Nothing is sent over the
 * connection before it was found good. The caller destroys both sockets. @throws failed: tls
 */
export async function handshake(run: ProbeRun, socket: Socket, demands: TlsDemands, what: string): Promise<Secured> {
  run.stage = "tls";
  const startedMs = run.nowMs();
  const tls = startTls({
    socket,
    // Verified below, so that a refused certificate can be told of.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    minVersion: "TLSv1",
    ALPNProtocols: ["http/1.1"],
    ...(isIP(demands.serverName) === 0 ? { servername: demands.serverName } : {}),
    ...(demands.ca === undefined ? {} : { ca: demands.ca }),
  });
  try {
    const secured = new Promise<void>((resolve, reject) => {
      tls.once("secureConnect", resolve);
      tls.on("error", (error) => reject(handshakeFailure(error, what)));
      tls.once("close", () => reject(failed("tls", "reset", `${what} hung up during the TLS handshake`)));
    });
    await orEnd(run.signal, secured);
    const tlsMs = run.since(startedMs);
    inspect(run, tls, demands);
    return { socket: tls, tlsMs };
  } catch (error) {
    tls.destroy();
    throw error;
  }
}

function inspect(run: ProbeRun, tls: TLSSocket, demands: TlsDemands): void {
  const certificate = tls.getPeerCertificate(true);
  const facts = certificateFacts(certificate, run.world.clock.now().wallMs);
  const protocol = tls.getProtocol() ?? "unknown";
  run.evidence["tls"] = { protocol, cipher: tls.getCipher().name, serverName: demands.serverName, certificate: facts ?? null };
  if (facts === undefined) throw failed("tls", "certificate", "the server showed no certificate");
  if (Number.isFinite(facts.daysLeft)) run.values.set("certificateDays", facts.daysLeft);
  if (demands.verify) verify(tls, facts.daysLeft, demands.serverName);
  if (demands.minDays !== undefined && facts.daysLeft < demands.minDays) {
    run.stage = "assertion";
    throw failed("assertion", "certificate", `the certificate is valid for ${facts.daysLeft} days more, fewer than ${demands.minDays}`);
  }
}

function verify(tls: TLSSocket, days: number, serverName: string): void {
  if (!tls.authorized) {
    const reason = String((tls.authorizationError as unknown as { readonly code?: string } | null)?.code ?? tls.authorizationError);
    if (days < 0 || reason === "CERT_HAS_EXPIRED") throw failed("tls", "certificate", `the certificate has expired (${reason})`);
    throw failed("tls", "certificate", `the certificate is not trusted (${printable(reason, 80)})`);
  }
  const wrong = checkServerIdentity(serverName, tls.getPeerCertificate());
  if (wrong !== undefined) throw failed("tls", "certificate", `the certificate is not for ${serverName}`, wrong);
}

/** OpenSSL's and Node's errors: an alert or nonsense is `tls`, a broken connection is the network's. */
function handshakeFailure(error: NodeJS.ErrnoException, what: string): Error {
  const code = error.code ?? "";
  if (code.startsWith("ERR_SSL_") || code === "EPROTO" || code.startsWith("ERR_TLS_"))
    return failed("tls", "tls", `the TLS handshake with ${what} failed (${printable(code, 80)})`, error);
  return socketFailure(error, "tls", what);
}
