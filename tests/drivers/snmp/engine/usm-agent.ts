import { head, readHead } from "../../../../drivers/snmp/engine/answer.ts";
import { element, expectElement, tags } from "../../../../drivers/snmp/engine/ber.ts";
import { defaultLimits } from "../../../../drivers/snmp/engine/limits.ts";
import { UsmAuth } from "../../../../drivers/snmp/engine/usm-auth.ts";
import { type UserCredential, UsmKeys } from "../../../../drivers/snmp/engine/usm-keys.ts";
import { readUsm, usm, writeMessage, written } from "../../../../drivers/snmp/engine/usm-message.ts";
import { type AgentTime, createPrivacy, type UsmPrivacy } from "../../../../drivers/snmp/engine/usm-privacy.ts";
import { clock, unending } from "./conversing.ts";
import { readNode, readNodes, signed, write, writeInteger } from "./plain-ber.ts";

const noBytes = new Uint8Array(0);
const unknownEngineIds = [0x2b, 6, 1, 6, 3, 15, 1, 1, 4, 0];

/**
 * The v3 end of an agent for tests and benches: opens requests and seals answers of one user at one engine. It uses the engine's own USM parts,
 * whose correctness the contract tests with snmpd and net-snmp show.
 */
export class UsmAgent {
  readonly engineId: Uint8Array;
  readonly #user: Uint8Array;
  readonly #auth: UsmAuth;
  readonly #privacy: UsmPrivacy;
  readonly #startedAtMs = clock.monotonicMs();
  #salt = 0;

  private constructor(engineId: Uint8Array, user: string, auth: UsmAuth, privacy: UsmPrivacy) {
    this.engineId = engineId;
    this.#user = new TextEncoder().encode(user);
    this.#auth = auth;
    this.#privacy = privacy;
  }

  /** @param keys shared, so that many agents hash a password once */
  static async create(
    engineId: Uint8Array,
    credential: UserCredential,
    keys = new UsmKeys({ limits: defaultLimits, clock, life: unending }),
  ): Promise<UsmAgent> {
    const { auth, priv } = await keys.keysFor(credential, engineId);
    if (auth === undefined || priv === undefined || credential.auth === undefined || credential.priv === undefined)
      throw new Error("authPriv only");
    return new UsmAgent(
      engineId,
      credential.user,
      new UsmAuth(credential.auth.protocol, auth),
      createPrivacy(credential.priv.protocol, priv),
    );
  }

  /** The PDU of a request, or the datagram to answer at once with, or nothing for what is not for us. */
  open(bytes: Buffer): { readonly pdu: Uint8Array; readonly messageId: number } | { readonly report: Buffer } | undefined {
    if (!readHead(bytes, 0, bytes.length) || head.version !== 3 || !readUsm(bytes, head.credentialStart, head.credentialEnd))
      return undefined;
    const { id: messageId, dataStart, dataEnd } = head;
    if (usm.engineEnd === usm.engineStart) return { report: this.#report(messageId, bytes.subarray(dataStart, dataEnd)) };
    if (!this.#auth.verify(bytes, usm.authStart, usm.authEnd) || !expectElement(tags.octetString, bytes, dataStart, dataEnd))
      return undefined;
    const scoped = this.#privacy.decrypt(bytes, element.start, element.end, usm);
    if (scoped === undefined) return undefined;
    const pdu = lastOf(readNodes(readNode(scoped).node.content));
    return { pdu: write(pdu.tag, pdu.content), messageId };
  }

  #report(messageId: number, data: Uint8Array): Buffer {
    const pdu = lastOf(readNodes(readNode(data).node.content));
    const [id] = readNodes(pdu.content);
    const varbind = write(0x30, write(6, Uint8Array.from(unknownEngineIds)), writeInteger(1, 0x41));
    const report = write(
      0xa8,
      writeInteger(id === undefined ? 0 : signed(id.content)),
      writeInteger(0),
      writeInteger(0),
      write(0x30, varbind),
    );
    return this.#write({ messageId, flags: 0, user: noBytes, time: this.#time() }, this.#scoped(report));
  }

  #scoped(pdu: Uint8Array): Uint8Array {
    return write(0x30, write(4, this.engineId), write(4), pdu);
  }

  seal(messageId: number, pdu: Uint8Array): Buffer {
    const time = this.#time();
    const ciphertext = this.#privacy.encrypt(this.#scoped(pdu), { high: 7, low: ++this.#salt >>> 0 }, time);
    const message = this.#write({ messageId, flags: 3, user: this.#user, time }, ciphertext);
    message.set(this.#privacy.parameters, written.privAt);
    this.#auth.sign(message, written.authAt);
    return message;
  }

  #time(): AgentTime {
    return { boots: 1, timeS: Math.floor((clock.monotonicMs() - this.#startedAtMs) / 1000) };
  }

  #write(
    head: { readonly messageId: number; readonly flags: number; readonly user: Uint8Array; readonly time: AgentTime },
    data: Uint8Array,
  ): Buffer {
    const { messageId, flags, user, time } = head;
    const authBytes = flags === 0 ? 0 : this.#auth.bytes;
    const privBytes = flags === 0 ? 0 : 8;
    return writeMessage({ messageId, maxMessageBytes: 65_507, flags, engineId: this.engineId, ...time, user, authBytes, privBytes }, data);
  }
}

function lastOf<T>(values: readonly T[]): T {
  const last = values.at(-1);
  if (last === undefined) throw new Error("empty");
  return last;
}
