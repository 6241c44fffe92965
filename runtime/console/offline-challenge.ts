import { createHmac, timingSafeEqual } from "node:crypto";
import type { Entropy } from "#ports/entropy.ts";
import type { State } from "#ports/state.ts";
import type { SignedIn, SignInMethod } from "./source.ts";

/** Crockford's alphabet (base32 without I, L, O, U): read over a telephone without mistakes. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const challengeBytes = 5;
const responseSymbols = 10;
const sessionMs = 30 * 60_000;
const counterKey = "console/challenge-counter";

/**
 * The way in when neither the gateway nor the technician's phone has a network (RELIABILITY 5.5): the page shows a challenge, the technician
 * reads it to the NOC, which knows the person and reads ten letters back. Worth 30 minutes of looking and operating, once. The key was made
 * at enrolment; there is no common one.
 */
export class OfflineChallenge implements SignInMethod {
  readonly name = "challenge and response";
  readonly #key: Uint8Array;
  readonly #state: State;
  readonly #entropy: Entropy;
  #open: { readonly challenge: string } | undefined;

  /** @param key 32 bytes, shared with the NOC at enrolment */
  constructor(key: Uint8Array, state: State, entropy: Entropy) {
    this.#key = key;
    this.#state = state;
    this.#entropy = entropy;
  }

  /** The challenge to read aloud, `NNNN-NNNN-cC`; the same until it was used or a new one is asked for. */
  challenge(renew = false): string {
    if (this.#open === undefined || renew) {
      const counter = Number(this.#state.getText(counterKey) ?? "0") + 1;
      this.#state.put({ [counterKey]: String(counter) });
      this.#open = { challenge: `${symbols(this.#entropy.bytes(challengeBytes)).replace(/(.{4})/, "$1-")}-${counter}` };
    }
    return this.#open.challenge;
  }

  async verify(secret: string): Promise<SignedIn | undefined> {
    const given = normal(secret);
    if (this.#open === undefined || given.length !== responseSymbols) return undefined;
    const expected = challengeResponse(this.#key, this.#open.challenge);
    if (!timingSafeEqual(Buffer.from(given.padEnd(16)), Buffer.from(normal(expected).padEnd(16)))) return undefined;
    this.#open = undefined;
    return { person: "challenge and response", scopes: ["view", "operate"], lifeMs: sessionMs };
  }
}

/** What a person copied down is a challenge at all. */
export function isChallenge(text: string): boolean {
  return /^[0-9A-Z]{4}[- ]?[0-9A-Z]{4}[- ]?\d{1,9}$/i.test(text.trim());
}

/** Ten symbols of HMAC-SHA256 over the challenge: what the NOC reads back. */
export function challengeResponse(key: Uint8Array, challenge: string): string {
  const text = challenge.toUpperCase().replace(/[^0-9A-Z]/g, "");
  const mac = createHmac("sha256", key).update(`gatehouse console 1 view,operate 30 ${text}`).digest();
  return symbols(mac.subarray(0, 7))
    .slice(0, responseSymbols)
    .replace(/(.{5})/, "$1-");
}

/** Five bits a symbol. */
function symbols(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  const count = Math.ceil((bytes.length * 8) / 5);
  let text = "";
  for (let at = count - 1; at >= 0; at--) text += alphabet[Number((bits >> BigInt(at * 5)) & 31n)] ?? "";
  return text;
}

/** As people type it: any case, spaces and dashes, O for 0, I and L for 1. */
function normal(text: string): string {
  return text
    .toUpperCase()
    .replace(/O/g, "0")
    .replace(/[IL]/g, "1")
    .replace(/[^0-9A-Z]/g, "");
}
