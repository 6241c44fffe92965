import { createCipheriv, createDecipheriv } from "node:crypto";
import type { PrivProtocol } from "#model/equipment.ts";

const desBlock = 8;

/** What a message is enciphered with besides the key: the authoritative engine's clock, and the salt that travels in clear. */
export interface CipherMoment {
  readonly boots: number;
  readonly timeS: number;
  /** 8 octets. */
  readonly salt: Uint8Array;
}

/** A salt that has not been used with this key: all of `count`, or for DES the boots and its lower half (RFC 3414 8.1.1.1, RFC 3826 3.1.2.1). */
export function saltOf(protocol: PrivProtocol, boots: number, count: bigint): Buffer {
  const salt = Buffer.alloc(8);
  salt.writeBigUInt64BE(count);
  if (protocol === "des") salt.writeUInt32BE(boots >>> 0, 0);
  return salt;
}

export function encipher(protocol: PrivProtocol, key: Buffer, moment: CipherMoment, plain: Uint8Array): Buffer {
  const { name, cipherKey, vector, block } = cipherOf(protocol, key, moment);
  const cipher = createCipheriv(name, cipherKey, vector);
  cipher.setAutoPadding(false);
  const padded = Buffer.alloc(Math.ceil(plain.length / block) * block);
  padded.set(plain);
  return Buffer.concat([cipher.update(padded), cipher.final()]);
}

/** With DES what is behind the scoped PDU is padding. @throws whatever the library does when the length cannot be */
export function decipher(protocol: PrivProtocol, key: Buffer, moment: CipherMoment, sealed: Uint8Array): Buffer {
  const { name, cipherKey, vector } = cipherOf(protocol, key, moment);
  const cipher = createDecipheriv(name, cipherKey, vector);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(sealed), cipher.final()]);
}

function cipherOf(protocol: PrivProtocol, key: Buffer, { boots, timeS, salt }: CipherMoment) {
  if (protocol === "des") {
    // The runtime has single DES only with OpenSSL's legacy provider. Triple DES with three equal keys is single DES.
    const single = key.subarray(0, desBlock);
    const vector = key.subarray(desBlock, 2 * desBlock).map((octet, place) => octet ^ (salt[place] ?? 0));
    return { name: "des-ede3-cbc", cipherKey: Buffer.concat([single, single, single]), vector, block: desBlock };
  }
  const vector = Buffer.alloc(16);
  vector.writeUInt32BE(boots >>> 0, 0);
  vector.writeUInt32BE(timeS >>> 0, 4);
  vector.set(salt, 8);
  return { name: `aes-${key.length * 8}-cfb`, cipherKey: key, vector, block: 1 };
}
