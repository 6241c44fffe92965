import type { PrivProtocol } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import { BerReader, encode, encodeInteger, encodeOid, malformed, tag } from "./ber.ts";
import { decodePdu, type Notification, pdu } from "./notification.ts";
import { decipher, encipher, saltOf } from "./usm-cipher.ts";
import type { NotificationUser } from "./usm-keys.ts";

const timeWindowS = 150;
const maxTime = 2_147_483_647;
/** Senders whose clocks are remembered; beyond it the one heard longest ago goes. */
const maxSenders = 1_024;
/** Users of one name that are told apart by their keys; each costs a digest per datagram. */
const maxNamesakes = 8;
const flag = { auth: 1, priv: 2, reportable: 4 } as const;

const usmStats = "1.3.6.1.6.3.15.1.1";
const report = { notInTimeWindows: 2, unknownUserNames: 3, unknownEngineIds: 4, wrongDigests: 5, decryptionErrors: 6 } as const;
type ReportReason = keyof typeof report;

export interface OwnEngine {
  readonly id: Uint8Array;
  readonly boots: number;
  /** Seconds since the engine's boots grew. */
  readonly timeS: () => number;
}

/** What a v3 datagram means. `reply` goes back to where it came from; `refused` is why there is no notification. */
export interface SecureOutcome {
  readonly notification?: Notification;
  readonly user?: string;
  readonly engineId?: string;
  readonly reply?: Buffer;
  readonly refused?: ReportReason | "security-level";
}

interface Header {
  readonly msgId: number;
  readonly flags: number;
  readonly engineId: Uint8Array;
  readonly boots: number;
  readonly timeS: number;
  readonly userName: string;
  readonly mac: Uint8Array;
  readonly macOffset: number;
  readonly salt: Uint8Array;
}

interface SenderClock {
  readonly boots: number;
  readonly latestS: number;
  /** Our monotonic seconds when latestS was heard. */
  readonly heardAtS: number;
}

/**
 * The receiving half of SNMPv3 with the User-based Security Model (RFC 3412, 3414, 7860, 3826). For traps the sender's engine is
 * authoritative, for informs ours is, so those are found out with discovery and reports.
 */
export class UsmReceiver {
  readonly #engine: OwnEngine;
  /** Devices have users of one name with different keys: whose digest is right is meant. */
  readonly #users = new Map<string, NotificationUser[]>();
  readonly #senders = new Map<string, SenderClock>();
  readonly #nowS: () => number;
  #salt: bigint;
  #reports = 0;

  /** @param nowS monotonic seconds @param firstSalt 64 random bits: salts must not repeat after a restart */
  constructor(engine: OwnEngine, users: readonly NotificationUser[], nowS: () => number, firstSalt: bigint) {
    this.#engine = engine;
    for (const user of users) {
      const namesakes = this.#users.get(user.name);
      if (namesakes === undefined) this.#users.set(user.name, [user]);
      else if (namesakes.length < maxNamesakes) namesakes.push(user);
    }
    this.#nowS = nowS;
    this.#salt = BigInt.asUintN(64, firstSalt);
  }

  /** @param body behind msgVersion @throws GatewayError driver.bad-answer */
  receive(datagram: Uint8Array, body: BerReader): SecureOutcome {
    const header = readHeader(body);
    const ours = Buffer.from(header.engineId).equals(this.#engine.id);
    // A trap is never reportable (RFC 3412 7.1): who asks for reports under another engine id is looking for ours.
    if (!ours && (header.flags & flag.reportable) !== 0) return this.#refuse(header, "unknownEngineIds");
    const namesakes = this.#users.get(header.userName);
    if (namesakes === undefined) return this.#refuse(header, "unknownUserNames");
    const isSigned = (header.flags & flag.auth) !== 0;
    const isEncrypted = (header.flags & flag.priv) !== 0;
    const ofLevel = namesakes.filter(
      ({ authProtocol, privProtocol }) => (authProtocol !== undefined) === isSigned && (privProtocol !== undefined) === isEncrypted,
    );
    if (ofLevel.length === 0) return { refused: "security-level" };
    const authentic = isSigned ? ofLevel.filter((user) => this.#isAuthentic(user, datagram, header)) : ofLevel;
    if (authentic.length === 0) return this.#refuse(header, "wrongDigests");
    if (isSigned) {
      const inTime = ours ? this.#isInOurWindow(header) : this.#isInSendersWindow(header);
      if (!inTime) return this.#refuse(header, "notInTimeWindows", ours ? authentic[0] : undefined);
    }
    const sealed = isEncrypted ? body.octets("encrypted PDU") : undefined;
    for (const user of authentic) {
      const scoped = sealed === undefined ? body : decrypt(sealed, user, header);
      if (scoped !== undefined) return this.#deliver(header, user, scoped, ours);
    }
    return this.#refuse(header, "decryptionErrors");
  }

  #deliver(header: Header, user: NotificationUser, scoped: BerReader, ours: boolean): SecureOutcome {
    const content = scoped.enter(tag.sequence, "scoped PDU");
    const contextEngineId = content.octets("context engine id");
    const contextName = content.octets("context name");
    const pduStart = content.offset;
    const notification = decodePdu(content, "3");
    // A confirmed one under a foreign engine id, or a trap under ours, turns the authority around.
    if (notification.confirmed !== ours) throw malformed("wrong authoritative engine");
    const named = { notification, user: user.name, engineId: Buffer.from(header.engineId).toString("hex") };
    if (!notification.confirmed) return named;
    const response = Buffer.from(content.bytes.subarray(pduStart, content.end));
    response[0] = pdu.response;
    const scopedResponse = encode(tag.sequence, encode(tag.octetString, contextEngineId), encode(tag.octetString, contextName), response);
    return { ...named, reply: this.#seal(header.msgId, user, scopedResponse) };
  }

  #isAuthentic(user: NotificationUser, datagram: Uint8Array, header: Header): boolean {
    const key = user.keysFor(header.engineId).auth;
    if (key === undefined || header.mac.length !== user.macLength) return false;
    const zeroed = Buffer.from(datagram);
    zeroed.fill(0, header.macOffset, header.macOffset + header.mac.length);
    return user.isAuthentic(key, zeroed, header.mac);
  }

  /** RFC 3414 3.2 step 7a: we are the authority. */
  #isInOurWindow({ boots, timeS }: Header): boolean {
    return boots === this.#engine.boots && boots !== maxTime && Math.abs(timeS - this.#engine.timeS()) <= timeWindowS;
  }

  /** RFC 3414 3.2 step 7b: the sender is; what is authentic and newer moves our notion of its clock, what is old is a replay. */
  #isInSendersWindow({ engineId, boots, timeS }: Header): boolean {
    if (boots >= maxTime) return false;
    const id = Buffer.from(engineId).toString("hex");
    const nowS = this.#nowS();
    const known = this.#senders.get(id);
    if (known === undefined || boots > known.boots || (boots === known.boots && timeS > known.latestS)) {
      this.#senders.delete(id);
      if (this.#senders.size >= maxSenders) {
        const [oldest] = this.#senders.keys();
        if (oldest !== undefined) this.#senders.delete(oldest);
      }
      this.#senders.set(id, { boots, latestS: timeS, heardAtS: nowS });
      return true;
    }
    if (boots < known.boots) return false;
    return timeS >= known.latestS + (nowS - known.heardAtS) - timeWindowS;
  }

  #refuse(header: Header, reason: ReportReason, authenticatedFor?: NotificationUser): SecureOutcome {
    if ((header.flags & flag.reportable) === 0) return { refused: reason };
    this.#reports = (this.#reports + 1) % maxTime;
    const varbind = encode(tag.sequence, encodeOid(`${usmStats}.${report[reason]}.0`), encodeCounter(this.#reports));
    const body = encode(pdu.report, encodeInteger(0), encodeInteger(0), encodeInteger(0), encode(tag.sequence, varbind));
    const scoped = encode(tag.sequence, encode(tag.octetString, this.#engine.id), encode(tag.octetString), body);
    return { refused: reason, reply: this.#seal(header.msgId, authenticatedFor, scoped, false) };
  }

  /** Signs, and encrypts where the user has a privacy key. */
  #seal(msgId: number, user: NotificationUser | undefined, scopedPdu: Buffer, encrypt = true): Buffer {
    const keys = user?.keysFor(this.#engine.id);
    const timeS = this.#engine.timeS();
    const privKey = encrypt ? keys?.priv() : undefined;
    const protocol = user?.privProtocol;
    const sealed = privKey === undefined || protocol === undefined ? undefined : this.#encrypt(protocol, privKey, timeS, scopedPdu);
    const flags = (keys?.auth === undefined ? 0 : flag.auth) | (sealed === undefined ? 0 : flag.priv);
    const macLength = keys?.auth === undefined ? 0 : (user?.macLength ?? 0);
    const salt = encode(tag.octetString, sealed?.salt ?? Buffer.alloc(0));
    const security = encode(
      tag.sequence,
      encode(tag.octetString, this.#engine.id),
      encodeInteger(this.#engine.boots),
      encodeInteger(timeS),
      encode(tag.octetString, Buffer.from(user?.name ?? "", "latin1")),
      encode(tag.octetString, Buffer.alloc(macLength)),
      salt,
    );
    const header = encode(
      tag.sequence,
      encodeInteger(msgId),
      encodeInteger(65_507),
      encode(tag.octetString, Buffer.from([flags])),
      encodeInteger(3),
    );
    const data = sealed === undefined ? scopedPdu : encode(tag.octetString, sealed.bytes);
    const message = encode(tag.sequence, encodeInteger(3), header, encode(tag.octetString, security), data);
    if (keys?.auth !== undefined && user !== undefined) {
      // The digest field is the last but one of the security parameters: count back from where they end.
      const macOffset = message.length - data.length - salt.length - macLength;
      user.mac(keys.auth, message).copy(message, macOffset);
    }
    return message;
  }

  #encrypt(protocol: PrivProtocol, key: Buffer, timeS: number, plain: Buffer): { readonly salt: Buffer; readonly bytes: Buffer } {
    this.#salt = BigInt.asUintN(64, this.#salt + 1n);
    const { boots } = this.#engine;
    const salt = saltOf(protocol, boots, this.#salt);
    return { salt, bytes: encipher(protocol, key, { boots, timeS, salt }, plain) };
  }
}

function readHeader(body: BerReader): Header {
  const global = body.enter(tag.sequence, "header");
  const msgId = global.integer("message id");
  global.integer("maximum size");
  const [flags = 0] = global.octets("flags");
  if (global.integer("security model") !== 3) throw malformed("security model is not USM");
  const security = body.enter(tag.octetString, "security parameters").enter(tag.sequence, "USM parameters");
  const engineId = security.octets("engine id");
  const boots = security.integer("engine boots");
  const timeS = security.integer("engine time");
  const userName = Buffer.from(security.octets("user name")).toString("latin1");
  const mac = security.octets("digest");
  const macOffset = security.offset - mac.length;
  const salt = security.octets("salt");
  if (engineId.length > 32 || userName.length > 32 || boots < 0 || timeS < 0) throw malformed("USM parameters out of range");
  return { msgId, flags, engineId, boots, timeS, userName, mac, macOffset, salt };
}

/** undefined = did not decrypt to a sequence: a wrong key. */
function decrypt(sealed: Uint8Array, user: NotificationUser, header: Header): BerReader | undefined {
  const key = user.keysFor(header.engineId).priv();
  if (key === undefined || user.privProtocol === undefined || header.salt.length !== 8) return undefined;
  let plain: Buffer;
  try {
    plain = decipher(user.privProtocol, key, header, sealed);
  } catch (error) {
    throw new GatewayError("driver.bad-answer", { message: "malformed notification: cannot be decrypted", cause: error });
  }
  return plain[0] === tag.sequence ? new BerReader(plain) : undefined;
}

function encodeCounter(value: number): Buffer {
  const counter = encodeInteger(value);
  counter[0] = tag.counter32;
  return counter;
}
