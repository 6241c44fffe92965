import type { AuthProtocol, Credential, HttpCredential, PrivProtocol, SnmpCredential } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import type { Secret } from "#model/secret.ts";
import type { CredentialEntry, HttpEntry, SnmpEntry } from "./generated/gateway.ts";
import { secretsIn } from "./secrets-in.ts";

const inspect = Symbol.for("nodejs.util.inspect.custom");

/** The credentials of a configuration. Names can be printed, secrets cannot. */
export class CredentialVault {
  #entries: Readonly<Record<string, CredentialEntry>>;
  #secrets: readonly string[] | undefined;
  /** What was asked for, by name: one for all equipment that uses it. */
  readonly #handedOut = new Map<string, Credential>();

  constructor(entries: Readonly<Record<string, CredentialEntry>>) {
    this.#entries = entries;
  }

  /** Holds the credentials of another configuration from now on: whoever was given this vault finds the new ones. */
  adopt(other: CredentialVault): void {
    this.#entries = other.#entries;
    this.#secrets = undefined;
    this.#handedOut.clear();
  }

  /** Every secret in clear, to be looked for where none may stand; the same list until another configuration is adopted. Never log it. */
  get secrets(): readonly string[] {
    this.#secrets ??= secretsIn(this.#entries);
    return this.#secrets;
  }

  get names(): readonly string[] {
    return Object.keys(this.#entries);
  }

  /** @throws GatewayError config.secret when there is none of this name */
  credential(name: string): Credential {
    const known = this.#handedOut.get(name);
    if (known !== undefined) return known;
    const entry = Object.hasOwn(this.#entries, name) ? this.#entries[name] : undefined;
    if (entry === undefined)
      throw new GatewayError("config.secret", { message: `there is no credential "${name}"`, fields: { credential: name } });
    const snmp = entry.snmp === undefined ? {} : { snmp: sealed(snmpCredential(entry.snmp), name) };
    const http = entry.http === undefined ? {} : { http: sealed(httpCredential(entry.http), name) };
    const credential = sealed({ name, ...snmp, ...http }, name);
    this.#handedOut.set(name, credential);
    return credential;
  }

  toJSON(): readonly string[] {
    return this.names;
  }

  [inspect](): string {
    return `CredentialVault(${this.names.join(", ")})`;
  }
}

/** Prints and serialises as its name only; the fields stay readable to who asks for them. */
function sealed<T extends object>(value: T, name: string): T {
  const said = () => `[credential ${name}]`;
  Object.defineProperty(value, "toJSON", { value: said, enumerable: false });
  Object.defineProperty(value, "toString", { value: said, enumerable: false });
  Object.defineProperty(value, inspect, { value: said, enumerable: false });
  return Object.freeze(value);
}

function httpCredential({ username, password, token }: HttpEntry): HttpCredential {
  return {
    ...(username === undefined ? {} : { username: username.reveal() }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(token === undefined ? {} : { token: token.reveal() }),
  };
}

function snmpCredential(entry: SnmpEntry): SnmpCredential {
  if (String(entry.version) !== "3")
    return { version: String(entry.version) === "1" ? "1" : "2c", community: entry.community?.reveal() ?? "" };
  const auth = only(entry.auth);
  const priv = only(entry.priv);
  return {
    version: "3",
    user: entry.user ?? "",
    ...(entry.context === undefined ? {} : { context: entry.context }),
    ...(auth === undefined ? {} : { auth: { protocol: auth[0], key: auth[1].reveal() } }),
    ...(priv === undefined ? {} : { priv: { protocol: privProtocol(priv[0]), key: priv[1].reveal() } }),
  };
}

type AuthKey = keyof NonNullable<SnmpEntry["auth"]>;
type PrivKey = keyof NonNullable<SnmpEntry["priv"]>;

/** The one entry of `{ sha256: KEY }`; the schema allows exactly one. */
function only<K extends AuthKey | PrivKey>(keys: Partial<Record<K, Secret>> | undefined): readonly [K, Secret] | undefined {
  return Object.entries(keys ?? {})[0] as [K, Secret] | undefined;
}

function privProtocol(key: PrivKey): PrivProtocol {
  return key === "aes" ? "aes128" : key;
}

// The keys of the schema are the protocol names of the model: a difference does not compile.
const _authKeysAreProtocols: (key: AuthKey) => AuthProtocol = (key) => key;
void _authKeysAreProtocols;
