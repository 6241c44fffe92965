import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { AuthProtocol, PrivProtocol, SnmpCredential } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";

/** Octets of msgAuthenticationParameters (RFC 3414 6.3.1, 7.3.1; RFC 7860 4.2). */
const macLength: Readonly<Record<AuthProtocol, number>> = { md5: 12, sha1: 12, sha224: 16, sha256: 24, sha384: 32, sha512: 48 };
const privKeyLength: Readonly<Record<PrivProtocol, number>> = {
  des: 16,
  aes128: 16,
  aes192: 24,
  aes256: 32,
  "aes192-cisco": 24,
  "aes256-cisco": 32,
};
const passwordMegabyte = 1_048_576;
const minPasswordLength = 8;
/** Localised keys kept, per user: one per sender's engine, about 1 KiB each, so at most 0.5 MiB a user. Strangers may fill it. */
const maxEngines = 512;

export interface LocalisedKeys {
  readonly auth: Buffer | undefined;
  /** Derived when first asked for, after authentication: Reeder's extension hashes a megabyte, which no stranger may order. */
  readonly priv: () => Buffer | undefined;
}

/** One USM user that may send notifications, with its keys derived once per engine. */
export class NotificationUser {
  readonly name: string;
  readonly authProtocol: AuthProtocol | undefined;
  readonly privProtocol: PrivProtocol | undefined;
  readonly #authMaster: Buffer | undefined;
  readonly #privMaster: Buffer | undefined;
  readonly #localised = new Map<string, LocalisedKeys>();

  /** Costs a few milliseconds of hashing. @throws GatewayError driver.unsupported */
  constructor(credential: Extract<SnmpCredential, { version: "3" }>) {
    const { user, auth, priv } = credential;
    const refuse = (message: string) => new GatewayError("driver.unsupported", { message, fields: { user } });
    if (priv !== undefined && auth === undefined) throw refuse("encryption needs authentication (RFC 3414)");
    if ((auth?.key.length ?? minPasswordLength) < minPasswordLength || (priv?.key.length ?? minPasswordLength) < minPasswordLength) {
      throw refuse(`USM pass phrases have at least ${minPasswordLength} characters (RFC 3414 11.2)`);
    }
    this.name = user;
    this.authProtocol = auth?.protocol;
    this.privProtocol = priv?.protocol;
    this.#authMaster = auth === undefined ? undefined : masterKey(auth.protocol, auth.key);
    this.#privMaster = auth === undefined || priv === undefined ? undefined : masterKey(auth.protocol, priv.key);
  }

  get macLength(): number {
    return this.authProtocol === undefined ? 0 : macLength[this.authProtocol];
  }

  keysFor(engineId: Uint8Array): LocalisedKeys {
    const id = Buffer.from(engineId).toString("hex");
    const known = this.#localised.get(id);
    if (known !== undefined) return known;
    if (this.#localised.size >= maxEngines) {
      const [oldest] = this.#localised.keys();
      if (oldest !== undefined) this.#localised.delete(oldest);
    }
    // Its own bytes: what is kept would otherwise hold the whole datagram that it was read from, up to 64 KiB an engine.
    const keys = this.#derive(Uint8Array.from(engineId));
    this.#localised.set(id, keys);
    return keys;
  }

  mac(key: Buffer, message: Uint8Array): Buffer {
    if (this.authProtocol === undefined) return Buffer.alloc(0);
    return createHmac(this.authProtocol, key).update(message).digest().subarray(0, macLength[this.authProtocol]);
  }

  isAuthentic(key: Buffer, message: Uint8Array, given: Uint8Array): boolean {
    const expected = this.mac(key, message);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  #derive(engineId: Uint8Array): LocalisedKeys {
    const { authProtocol, privProtocol } = this;
    const privMaster = this.#privMaster;
    if (authProtocol === undefined || this.#authMaster === undefined) return { auth: undefined, priv: () => undefined };
    const auth = localise(authProtocol, this.#authMaster, engineId);
    if (privProtocol === undefined || privMaster === undefined) return { auth, priv: () => undefined };
    let derived: Buffer | undefined;
    const priv = () => {
      derived ??= extend(authProtocol, privProtocol, localise(authProtocol, privMaster, engineId), engineId);
      return derived;
    };
    return { auth, priv };
  }
}

/** RFC 3414 A.2: the pass phrase repeated to 1 MiB, hashed. */
function masterKey(protocol: AuthProtocol, passPhrase: string): Buffer {
  return createHash(protocol).update(Buffer.alloc(passwordMegabyte, passPhrase)).digest();
}

function localise(protocol: AuthProtocol, master: Buffer, engineId: Uint8Array): Buffer {
  return createHash(protocol).update(master).update(engineId).update(master).digest();
}

/** Longer AES keys than the digest: Blumenthal's draft appends hashes, Reeder's (Cisco) localises anew. */
function extend(protocol: AuthProtocol, priv: PrivProtocol, first: Buffer, engineId: Uint8Array): Buffer {
  const wanted = privKeyLength[priv];
  let key = first;
  while (key.length < wanted) {
    const more = priv.endsWith("-cisco")
      ? localise(protocol, masterKeyOf(protocol, key), engineId)
      : createHash(protocol).update(key).digest();
    key = Buffer.concat([key, more]);
  }
  return key.subarray(0, wanted);
}

function masterKeyOf(protocol: AuthProtocol, passPhrase: Buffer): Buffer {
  return createHash(protocol).update(Buffer.alloc(passwordMegabyte, passPhrase)).digest();
}
