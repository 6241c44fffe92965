import { createHash, hash, subtle } from "node:crypto";
import type { AuthProtocol, PrivProtocol, SnmpCredential } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { EngineLimits } from "./limits.ts";

export type UserCredential = Extract<SnmpCredential, { version: "3" }>;

/** Keys of one user at one engine (RFC 3414 2.6). */
export interface LocalizedKeys {
  readonly auth: Uint8Array | undefined;
  readonly priv: Uint8Array | undefined;
}

/** RFC 3414 A.2: a password is repeated to 1 MiB and hashed. */
const expandedBytes = 1_048_576;
const sliceBytes = 65_536;
const minPasswordBytes = 8;

const webCryptoName: Partial<Record<AuthProtocol, string>> = { sha1: "SHA-1", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };
const privKeyBytes: Record<PrivProtocol, number> = { des: 16, aes128: 16, aes192: 24, aes256: 32, "aes192-cisco": 24, "aes256-cisco": 32 };

/**
 * Password and localized keys, each derived once. The 1 MiB hash runs on the pool thread of Web Crypto, or in slices that let the loop breathe
 * where Web Crypto lacks the hash (MD5, SHA-224). Bounded; the entry used longest ago goes first.
 */
export class UsmKeys {
  readonly #passwords = new Map<string, Promise<Uint8Array>>();
  readonly #localized = new Map<string, Promise<LocalizedKeys>>();
  readonly #limits: EngineLimits;
  readonly #clock: Clock;
  readonly #life: AbortSignal;
  /** 1 MiB hashes made so far. */
  passwordHashes = 0;

  constructor(parts: { limits: EngineLimits; clock: Clock; life: AbortSignal }) {
    this.#limits = parts.limits;
    this.#clock = parts.clock;
    this.#life = parts.life;
  }

  /** @throws GatewayError driver.auth for passwords that RFC 3414 does not allow */
  keysFor(credential: UserCredential, engineId: Uint8Array): Promise<LocalizedKeys> {
    const { user, auth, priv } = credential;
    const key = JSON.stringify([user, auth?.protocol, auth?.key, priv?.protocol, priv?.key, Buffer.from(engineId).toString("hex")]);
    return remember(this.#localized, key, this.#limits.maxLocalizedKeys, () => this.#localize(credential, engineId));
  }

  async #localize({ auth, priv }: UserCredential, engineId: Uint8Array): Promise<LocalizedKeys> {
    if (auth === undefined) return { auth: undefined, priv: undefined };
    const authKey = localize(auth.protocol, await this.#passwordKey(auth.protocol, auth.key, "authentication"), engineId);
    if (priv === undefined) return { auth: authKey, priv: undefined };
    const privKey = localize(auth.protocol, await this.#passwordKey(auth.protocol, priv.key, "privacy"), engineId);
    return { auth: authKey, priv: await this.#extend(auth.protocol, priv.protocol, privKey, engineId) };
  }

  #passwordKey(protocol: AuthProtocol, password: string, what: string): Promise<Uint8Array> {
    const bytes = new TextEncoder().encode(password);
    if (bytes.length < minPasswordBytes) {
      throw new GatewayError("driver.auth", { message: `the ${what} password is shorter than the 8 characters that SNMPv3 demands` });
    }
    return remember(this.#passwords, JSON.stringify([protocol, password]), this.#limits.maxPasswordKeys, () =>
      this.#hashExpanded(protocol, bytes),
    );
  }

  async #hashExpanded(protocol: AuthProtocol, password: Uint8Array): Promise<Uint8Array> {
    this.passwordHashes += 1;
    const name = webCryptoName[protocol];
    if (name !== undefined) return new Uint8Array(await subtle.digest(name, Buffer.alloc(expandedBytes, password)));
    const running = createHash(protocol);
    const expanded = Buffer.alloc(expandedBytes, password);
    for (let at = 0; at < expandedBytes; at += sliceBytes) {
      running.update(expanded.subarray(at, at + sliceBytes));
      await this.#clock.sleep(0, this.#life);
    }
    return running.digest();
  }

  /** A hash shorter than the cipher's key is extended: by hashing on (Blumenthal), or by taking the key for a password once more (Reeder). */
  async #extend(auth: AuthProtocol, priv: PrivProtocol, key: Uint8Array, engineId: Uint8Array): Promise<Uint8Array> {
    const wanted = privKeyBytes[priv];
    let extended = Buffer.from(key);
    let last: Uint8Array = key;
    while (extended.length < wanted) {
      if (priv.endsWith("-cisco")) last = localize(auth, await this.#hashExpanded(auth, last), engineId);
      else last = digest(auth, extended);
      extended = Buffer.concat([extended, last]);
    }
    // A copy: a slice would keep a whole slab of the buffer pool alive.
    return new Uint8Array(extended.subarray(0, wanted));
  }
}

function localize(protocol: AuthProtocol, key: Uint8Array, engineId: Uint8Array): Uint8Array {
  return digest(protocol, Buffer.concat([key, engineId, key]));
}

function digest(protocol: AuthProtocol, bytes: Uint8Array): Buffer {
  return hash(protocol, bytes, "buffer");
}

function remember<T>(kept: Map<string, Promise<T>>, key: string, most: number, make: () => Promise<T>): Promise<T> {
  const known = kept.get(key);
  if (known !== undefined) {
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  const made = make();
  kept.set(key, made);
  made.catch(() => kept.delete(key));
  const oldest = kept.keys().next().value;
  if (kept.size > most && oldest !== undefined) kept.delete(oldest);
  return made;
}
