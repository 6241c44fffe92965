import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from "node:crypto";
import type { PrivProtocol } from "#model/equipment.ts";

/** Encryption of scoped PDUs under one localized key. */
export interface UsmPrivacy {
  /** msgPrivacyParameters of the message encrypted last: 8 bytes. */
  readonly parameters: Uint8Array;
  /** @param salt unique under this key */
  encrypt(plaintext: Uint8Array, salt: Salt, time: AgentTime): Uint8Array;
  /** Deciphers [start, end) of a message; undefined when the lengths cannot be right. */
  decrypt(message: Buffer, start: number, end: number, time: SealedTime): Uint8Array | undefined;
}

/** A number of 64 bits that is never used twice, in two halves. */
export interface Salt {
  readonly high: number;
  readonly low: number;
}

/** snmpEngineBoots and snmpEngineTime as they stand in the message. */
export interface AgentTime {
  readonly boots: number;
  readonly timeS: number;
}

/** The same of a received message, and where in it the privacy parameters lie. */
export interface SealedTime extends AgentTime {
  readonly privStart: number;
  readonly privEnd: number;
}

export function createPrivacy(protocol: PrivProtocol, key: Uint8Array): UsmPrivacy {
  return protocol === "des" ? new DesPrivacy(key) : new AesPrivacy(key);
}

const aesBlock = 16;

/**
 * AES in CFB-128 (RFC 3826). Making a cipher object per message costs more than ciphering, so one of each direction is kept. CFB needs nothing
 * else to be set to a new IV: its state is the last block of ciphertext. Deciphering, the IV is simply fed in as a block of ciphertext.
 * Enciphering, a first block is fed whose ciphertext is the IV: the IV xor the cipher's next key stream block.
 */
class AesPrivacy implements UsmPrivacy {
  readonly parameters = Buffer.alloc(8);
  readonly #encipher: Cipheriv;
  readonly #decipher: Decipheriv;
  readonly #block: Cipheriv;
  readonly #iv = Buffer.alloc(aesBlock);
  /** Last block of ciphertext that went through `#encipher`: its state. */
  readonly #state = Buffer.alloc(aesBlock);

  constructor(key: Uint8Array) {
    const bits = key.length * 8;
    const zero = new Uint8Array(aesBlock);
    this.#encipher = createCipheriv(`aes-${bits}-cfb`, key, zero);
    this.#decipher = createDecipheriv(`aes-${bits}-cfb`, key, zero);
    this.#block = createCipheriv(`aes-${bits}-ecb`, key, null);
    this.#block.setAutoPadding(false);
  }

  encrypt(plaintext: Uint8Array, salt: Salt, { boots, timeS }: AgentTime): Uint8Array {
    writeSalt(this.parameters, salt.high, salt.low);
    const scratch = this.#grown(plaintext.length);
    scratch.set(plaintext, aesBlock);
    const iv = this.#iv;
    iv.writeUInt32BE(boots >>> 0, 0);
    iv.writeUInt32BE(timeS >>> 0, 4);
    iv.set(this.parameters, 8);
    const keyStream = this.#block.update(this.#state);
    for (let index = 0; index < aesBlock; index++) scratch[index] = (iv[index] ?? 0) ^ (keyStream[index] ?? 0);
    const ciphertext = this.#encipher.update(scratch.subarray(0, wholeBlocks(plaintext.length)));
    ciphertext.copy(this.#state, 0, ciphertext.length - aesBlock);
    return ciphertext.subarray(aesBlock, aesBlock + plaintext.length);
  }

  decrypt(message: Buffer, start: number, end: number, { boots, timeS, privStart, privEnd }: SealedTime): Uint8Array | undefined {
    if (privEnd - privStart !== 8) return undefined;
    const length = end - start;
    const scratch = this.#grown(length);
    scratch.writeUInt32BE(boots >>> 0, 0);
    scratch.writeUInt32BE(timeS >>> 0, 4);
    message.copy(scratch, 8, privStart, privEnd);
    message.copy(scratch, aesBlock, start, end);
    return this.#decipher.update(scratch.subarray(0, wholeBlocks(length))).subarray(aesBlock, aesBlock + length);
  }

  /** [one block to be set | content | padding to whole blocks]: only whole blocks keep the ciphers' state at a block's edge. */
  #grown(length: number): Buffer {
    if (scratchPad.length < wholeBlocks(length)) scratchPad = Buffer.alloc(2 * wholeBlocks(length));
    return scratchPad;
  }
}

/** Shared by all sessions; what is in it is used up before anyone else gets it. */
let scratchPad = Buffer.alloc(4096);

function wholeBlocks(length: number): number {
  return aesBlock + Math.ceil(length / aesBlock) * aesBlock;
}

function writeSalt(parameters: Buffer, high: number, low: number): void {
  parameters.writeUInt32BE(high >>> 0, 0);
  parameters.writeUInt32BE(low >>> 0, 4);
}

const desBlock = 8;

/**
 * DES in CBC (RFC 3414 8). The runtime's OpenSSL offers single DES only with its legacy provider, but triple DES with three equal keys is single
 * DES: the first two operations cancel each other.
 */
class DesPrivacy implements UsmPrivacy {
  readonly parameters = Buffer.alloc(desBlock);
  readonly #key: Buffer;
  readonly #preIv: Uint8Array;

  constructor(key: Uint8Array) {
    const single = key.subarray(0, desBlock);
    this.#key = Buffer.concat([single, single, single]);
    this.#preIv = key.subarray(desBlock, 2 * desBlock);
  }

  encrypt(plaintext: Uint8Array, salt: Salt, { boots }: AgentTime): Uint8Array {
    writeSalt(this.parameters, boots, salt.low);
    const cipher = createCipheriv("des-ede3-cbc", this.#key, this.#iv(this.parameters));
    cipher.setAutoPadding(false);
    const padded = Buffer.alloc(Math.ceil(plaintext.length / desBlock) * desBlock);
    padded.set(plaintext);
    return cipher.update(padded);
  }

  decrypt(message: Buffer, start: number, end: number, { privStart, privEnd }: SealedTime): Uint8Array | undefined {
    if (privEnd - privStart !== desBlock || (end - start) % desBlock !== 0) return undefined;
    const decipher = createDecipheriv("des-ede3-cbc", this.#key, this.#iv(message.subarray(privStart, privEnd)));
    decipher.setAutoPadding(false);
    return decipher.update(message.subarray(start, end));
  }

  #iv(salt: Uint8Array): Uint8Array {
    return this.#preIv.map((byte, index) => byte ^ (salt[index] ?? 0));
  }
}
