import { GatewayError } from "#model/errors.ts";
import type { Logger } from "#ports/logger.ts";
import { head, pdu, readPdu } from "./answer.ts";
import { element, expectElement, tags } from "./ber.ts";
import type { Conversation, Readiness } from "./conversation.ts";
import type { Exchange } from "./exchange.ts";
import { emptyGet } from "./get.ts";
import type { EngineLimits } from "./limits.ts";
import { sameBytes } from "./oid.ts";
import { type PduSpec, type PreparedRequest, patchId, prepareScopedRequest } from "./request.ts";
import { type Opened, opened, type Security } from "./security.ts";
import { digestBytes, UsmAuth } from "./usm-auth.ts";
import { EngineTime } from "./usm-engine-time.ts";
import type { UserCredential, UsmKeys } from "./usm-keys.ts";
import { flag, readUsm, usm, writeMessage, written } from "./usm-message.ts";
import { createPrivacy, type Salt, type UsmPrivacy } from "./usm-privacy.ts";
import { type ReportKind, reportKind, reportRefusal } from "./usm-reports.ts";

const noBytes = new Uint8Array(0);
const minEngineIdBytes = 5;
const silenceAskedMs = 30_000;
const noAbort = new AbortController().signal;

interface UsmParts {
  readonly credential: UserCredential;
  readonly keys: UsmKeys;
  readonly limits: EngineLimits;
  readonly logger: Logger;
  readonly nextSalt: () => Salt;
}

/** User-based security (RFC 3414) of one session: discovery, keys, time window, Reports. */
export class UsmSecurity implements Security, Readiness {
  readonly version = 3;
  /** Requests carry the engine's id. */
  readonly sharedBy = undefined;
  readonly overheadBytes: number;
  revision = 0;
  readonly #parts: UsmParts;
  readonly #user: Uint8Array;
  readonly #context: Uint8Array;
  readonly #level: number;
  readonly #time: EngineTime;
  #engineId: Uint8Array = noBytes;
  #auth: UsmAuth | undefined;
  #privacy: UsmPrivacy | undefined;
  #isReady = false;
  #failure = new GatewayError("driver.auth");
  #silence = { askAgainAtMs: Number.NEGATIVE_INFINITY, isDeaf: false };

  constructor(parts: UsmParts) {
    const { credential } = parts;
    this.#parts = parts;
    this.#user = new TextEncoder().encode(credential.user);
    this.#context = new TextEncoder().encode(credential.context ?? "");
    this.#level = (credential.auth === undefined ? 0 : flag.auth) | (credential.priv === undefined ? 0 : flag.priv);
    this.#time = new EngineTime(parts.logger);
    const authBytes = credential.auth === undefined ? 0 : digestBytes[credential.auth.protocol];
    this.overheadBytes = 130 + this.#user.length + this.#context.length + authBytes;
    if (credential.priv !== undefined && credential.auth === undefined) {
      throw new GatewayError("driver.refused", { message: "SNMPv3 has no privacy without authentication" });
    }
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  async becomeReady(conversation: Conversation, signal: AbortSignal): Promise<void> {
    const prepare = () => prepareScopedRequest(noBytes, noBytes, emptyGet, this.revision);
    if (this.#engineId.length === 0) await conversation.ask({ prepare, read: () => true, signal });
    const engineId = this.#engineId;
    const { credential, keys } = this.#parts;
    const derived = await keys.keysFor(credential, engineId);
    if (credential.auth !== undefined && derived.auth !== undefined) this.#auth = new UsmAuth(credential.auth.protocol, derived.auth);
    if (credential.priv !== undefined && derived.priv !== undefined) this.#privacy = createPrivacy(credential.priv.protocol, derived.priv);
    this.revision += 1;
    this.#isReady = true;
  }

  /**
   * Agents drop what they cannot decipher, mostly without a word: a wrong privacy key looks like a dead agent. One that still answers discovery
   * is not dead. Asked at most every 30 s.
   */
  async explainSilence(conversation: Conversation, error: GatewayError): Promise<GatewayError> {
    if (!this.#isReady || this.#privacy === undefined) return error;
    const nowMs = conversation.nowMs();
    if (nowMs < this.#silence.askAgainAtMs) return this.#silence.isDeaf ? deaf(error, this.#context.length > 0) : error;
    this.#silence = { askAgainAtMs: nowMs + silenceAskedMs, isDeaf: false };
    const prepare = () => prepareScopedRequest(noBytes, noBytes, emptyGet, this.revision);
    const answered = conversation.ask({ prepare, read: () => true, signal: noAbort, attemptsMax: 1 }).then(
      () => true,
      () => false,
    );
    this.#silence = { askAgainAtMs: nowMs + silenceAskedMs, isDeaf: await answered };
    return this.#silence.isDeaf ? deaf(error, this.#context.length > 0) : error;
  }

  engine(nowMs: number): { engineId: string; boots: number; timeS: number; regressions: number } | undefined {
    if (this.#engineId.length === 0) return undefined;
    const { boots, regressions } = this.#time;
    return { engineId: Buffer.from(this.#engineId).toString("hex"), boots, timeS: this.#time.estimateS(nowMs), regressions };
  }

  prepare(spec: PduSpec): PreparedRequest {
    return prepareScopedRequest(this.#engineId, this.#context, spec, this.revision);
  }

  seal(request: PreparedRequest, messageId: number, requestId: number, nowMs: number): Uint8Array {
    patchId(request.bytes, request.idAt, requestId);
    const isDiscovery = request.discovery;
    const level = isDiscovery ? 0 : this.#level;
    const privacy = isDiscovery ? undefined : this.#privacy;
    const timeS = level === 0 ? 0 : this.#time.estimateS(nowMs);
    const boots = level === 0 ? 0 : this.#time.boots;
    const data = privacy === undefined ? request.bytes : privacy.encrypt(request.bytes, this.#parts.nextSalt(), { boots, timeS });
    const message = writeMessage(
      {
        messageId,
        maxMessageBytes: this.#parts.limits.maxMessageBytes,
        flags: flag.reportable | level,
        engineId: isDiscovery ? noBytes : this.#engineId,
        boots,
        timeS,
        user: isDiscovery ? noBytes : this.#user,
        authBytes: isDiscovery ? 0 : (this.#auth?.bytes ?? 0),
        privBytes: privacy === undefined ? 0 : 8,
      },
      data,
    );
    if (privacy !== undefined) message.set(privacy.parameters, written.privAt);
    if (!isDiscovery) this.#auth?.sign(message, written.authAt);
    return message;
  }

  open(bytes: Buffer, exchange: Exchange, requestId: number, nowMs: number): Opened {
    if (head.version !== 3 || head.securityModel !== 3 || !readUsm(bytes, head.credentialStart, head.credentialEnd)) return "forged";
    const level = head.flags & (flag.auth | flag.priv);
    if (exchange.request.discovery) return level === 0 ? this.#openDiscovery(bytes, nowMs) : "forged";
    if ((level & flag.auth) !== 0 && !this.#isAuthentic(bytes)) return "forged";
    const plaintext = (level & flag.priv) === 0 ? bytes : this.#decrypt(bytes);
    if (plaintext === undefined) return "malformed";
    const isPlain = plaintext === bytes;
    if (!readScoped(plaintext, isPlain ? head.dataStart : 0, isPlain ? head.dataEnd : plaintext.length, isPlain)) return "malformed";
    if (pdu.type === tags.report) return this.#openReport(plaintext, bytes, level, nowMs);
    if (pdu.type !== tags.response) return "malformed";
    // A Response at another level, or of another user, engine or request, is not ours whatever it says.
    if (level !== this.#level || pdu.requestId !== requestId || !this.#isOurs(bytes)) return "forged";
    if (level !== 0) this.#time.learn(usm.boots, usm.timeS, nowMs, true);
    if (this.#silence.isDeaf) this.#silence = { askAgainAtMs: nowMs, isDeaf: false };
    opened.bytes = plaintext;
    return "accept";
  }

  #isOurs(bytes: Uint8Array): boolean {
    return sameBytes(bytes, usm.engineStart, usm.engineEnd, this.#engineId) && sameBytes(bytes, usm.userStart, usm.userEnd, this.#user);
  }

  #isAuthentic(bytes: Buffer): boolean {
    if (this.#auth === undefined || !sameBytes(bytes, usm.engineStart, usm.engineEnd, this.#engineId)) return false;
    // Nothing behind the message belongs to it.
    const message = head.dataEnd === bytes.length ? bytes : bytes.subarray(0, head.dataEnd);
    return this.#auth.verify(message, usm.authStart, usm.authEnd);
  }

  #decrypt(bytes: Buffer): Uint8Array | undefined {
    if (this.#privacy === undefined || !expectElement(tags.octetString, bytes, head.dataStart, head.dataEnd)) return undefined;
    return this.#privacy.decrypt(bytes, element.start, element.end, usm);
  }

  #openDiscovery(bytes: Uint8Array, nowMs: number): Opened {
    if (!readScoped(bytes, head.dataStart, head.dataEnd, true)) return "malformed";
    if (pdu.type !== tags.report || usm.engineEnd - usm.engineStart < minEngineIdBytes) return "malformed";
    if (this.#isReady && sameBytes(bytes, usm.engineStart, usm.engineEnd, this.#engineId)) return "accept";
    this.#engineId = new Uint8Array(bytes.subarray(usm.engineStart, usm.engineEnd));
    // Not authenticated: good for a first guess that the agent itself will check, and for nothing else.
    this.#time.learn(usm.boots, usm.timeS, nowMs, false);
    this.#isReady = false;
    this.revision += 1;
    opened.bytes = bytes;
    return "accept";
  }

  #openReport(plaintext: Uint8Array, bytes: Uint8Array, level: number, nowMs: number): Opened {
    const kind: ReportKind = reportKind(plaintext);
    if (kind === "notInTimeWindows") {
      this.#time.learn(usm.boots, usm.timeS, nowMs, (level & flag.auth) !== 0);
      return "resend";
    }
    if (kind === "unknownEngineIds") {
      if (sameBytes(bytes, usm.engineStart, usm.engineEnd, this.#engineId)) return "malformed";
      this.#parts.logger.info({}, "snmp engine at this address is another one now");
      this.#engineId = noBytes;
      this.#isReady = false;
      this.revision += 1;
      return "stale";
    }
    this.#failure = reportRefusal(kind);
    return "fail";
  }

  failure(): GatewayError {
    return this.#failure;
  }
}

/** Some agents are silent about a context they do not have, too. */
function deaf(cause: GatewayError, namesContext: boolean): GatewayError {
  const privacy = "the agent answers discovery but not the encrypted request: perhaps the privacy key or protocol is not the user's";
  const message = namesContext ? `${privacy}, or the agent has no such context` : privacy;
  return new GatewayError("driver.auth", { message, cause, fields: cause.fields });
}

/**
 * Reads a scoped PDU (RFC 3412 6.8) and the PDU inside. Behind a deciphered one there may be padding, so its end is only strict when plain.
 */
function readScoped(bytes: Uint8Array, start: number, end: number, isPlain: boolean): boolean {
  if (!expectElement(tags.sequence, bytes, start, end) || (isPlain && element.end !== end)) return false;
  const scopedEnd = element.end;
  if (!expectElement(tags.octetString, bytes, element.start, scopedEnd)) return false;
  if (!expectElement(tags.octetString, bytes, element.end, scopedEnd)) return false;
  return readPdu(bytes, element.end, scopedEnd);
}
