import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from "node:crypto";
import type { PrivProtocol } from "#model/equipment.ts";

/** Encryption of scoped PDUs under one localized key. */
export interface UsmPrivacy {
  /** @param salt unique under this key; written to `parameters` (8 bytes at `at`) */
  encrypt(plaintext: Uint8Array, salt: bigint, boots: number, timeS: number, parameters: Buffer, at: number): Uint8Array;
  /** Plaintext, valid until the next call; undefined when the lengths cannot be right. */
  decrypt(ciphertext: Uint8Array, boots: number, timeS: number, parameters: Uint8Array): Uint8Array | undefined;
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
  readonly #encipher: Cipheriv;
  readonly #decipher: Decipheriv;
  readonly #block: Cipheriv;
  readonly #iv = Buffer.alloc(aesBlock);
  /** Last block of ciphertext that went through `#encipher`: its state. */
  #state: Uint8Array = new Uint8Array(aesBlock);
  #scratch = Buffer.alloc(2048);

  constructor(key: Uint8Array) {
    const bits = key.length * 8;
    const zero = new Uint8Array(aesBlock);
    this.#encipher = createCipheriv(`aes-${bits}-cfb`, key, zero);
    this.#decipher = createDecipheriv(`aes-${bits}-cfb`, key, zero);
    this.#block = createCipheriv(`aes-${bits}-ecb`, key, null);
    this.#block.setAutoPadding(false);
  }

  encrypt(plaintext: Uint8Array, salt: bigint, boots: number, timeS: number, parameters: Buffer, at: number): Uint8Array {
    parameters.writeBigUInt64BE(salt, at);
    this.#setIv(boots, timeS, parameters.subarray(at, at + 8));
    const scratch = this.#fill(plaintext);
    const keyStream = this.#block.update(this.#state);
    for (let index = 0; index < aesBlock; index++) scratch[index] = (this.#iv[index] ?? 0) ^ (keyStream[index] ?? 0);
    const ciphertext = this.#encipher.update(scratch);
    this.#state = ciphertext.subarray(ciphertext.length - aesBlock);
    return ciphertext.subarray(aesBlock, aesBlock + plaintext.length);
  }

  decrypt(ciphertext: Uint8Array, boots: number, timeS: number, parameters: Uint8Array): Uint8Array | undefined {
    if (parameters.length !== 8) return undefined;
    this.#setIv(boots, timeS, parameters);
    const scratch = this.#fill(ciphertext);
    scratch.set(this.#iv, 0);
    return this.#decipher.update(scratch).subarray(aesBlock, aesBlock + ciphertext.length);
  }

  #setIv(boots: number, timeS: number, salt: Uint8Array): void {
    this.#iv.writeUInt32BE(boots >>> 0, 0);
    this.#iv.writeUInt32BE(timeS >>> 0, 4);
    this.#iv.set(salt, 8);
  }

  /** [one block to be set | content | padding to whole blocks]: only whole blocks keep the ciphers' state at a block's edge. */
  #fill(content: Uint8Array): Buffer {
    const length = aesBlock + Math.ceil(content.length / aesBlock) * aesBlock;
    if (this.#scratch.length < length) this.#scratch = Buffer.alloc(length * 2);
    this.#scratch.set(content, aesBlock);
    return this.#scratch.subarray(0, length);
  }
}

const desBlock = 8;

/**
 * DES in CBC (RFC 3414 8). The runtime's OpenSSL offers single DES only with its legacy provider, but triple DES with three equal keys is single
 * DES: the first two operations cancel each other.
 */
class DesPrivacy implements UsmPrivacy {
  readonly #key: Buffer;
  readonly #preIv: Uint8Array;

  constructor(key: Uint8Array) {
    const single = key.subarray(0, desBlock);
    this.#key = Buffer.concat([single, single, single]);
    this.#preIv = key.subarray(desBlock, 2 * desBlock);
  }

  encrypt(plaintext: Uint8Array, salt: bigint, boots: number, _timeS: number, parameters: Buffer, at: number): Uint8Array {
    parameters.writeUInt32BE(boots >>> 0, at);
    parameters.writeUInt32BE(Number(salt & 0xffff_ffffn), at + 4);
    const cipher = createCipheriv("des-ede3-cbc", this.#key, this.#iv(parameters.subarray(at, at + desBlock)));
    cipher.setAutoPadding(false);
    const padded = Buffer.alloc(Math.ceil(plaintext.length / desBlock) * desBlock);
    padded.set(plaintext);
    return cipher.update(padded);
  }

  decrypt(ciphertext: Uint8Array, _boots: number, _timeS: number, parameters: Uint8Array): Uint8Array | undefined {
    if (parameters.length !== desBlock || ciphertext.length % desBlock !== 0) return undefined;
    const decipher = createDecipheriv("des-ede3-cbc", this.#key, this.#iv(parameters));
    decipher.setAutoPadding(false);
    return decipher.update(ciphertext);
  }

  #iv(salt: Uint8Array): Uint8Array {
    return this.#preIv.map((byte, index) => byte ^ (salt[index] ?? 0));
  }
}
