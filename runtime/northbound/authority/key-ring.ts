import type { Generation, KeyDocument, KeyPurpose, PinnedKey, Trust } from "#model/authority.ts";
import type { Instant } from "#model/time.ts";
import type { State } from "#ports/state.ts";

/** Roles of a key document and what they allow here; other roles are for other readers. */
const purposeOfRole: Readonly<Record<string, KeyPurpose>> = { des: "desired", cmd: "command", tech: "technician" };

const documentKey = "authority/keys";
const enrolledKey = "authority/pinned";

interface RingKey extends PinnedKey {
  /** Unix seconds. */
  readonly notBefore?: number;
  readonly notAfter?: number;
}

/** Clocks of two machines may differ by so much, seconds. */
export const toleranceS = 120;

/** A wall clock that may be compared with dates somebody else wrote. */
export function isTrusted(now: Instant): boolean {
  return now.quality !== "unanchored";
}

/** The keys trusted now: pinned ones, and those that the newest key document of the root names. Kept in the state. */
export class KeyRing {
  readonly #state: State;
  readonly #trust: Trust;
  #document: KeyDocument | undefined;
  #pinned: readonly PinnedKey[];

  constructor(state: State, trust: Trust) {
    this.#state = state;
    this.#trust = trust;
    const kept = state.getText(documentKey);
    this.#document = kept === undefined ? undefined : (JSON.parse(kept) as KeyDocument);
    const enrolled = state.getText(enrolledKey);
    this.#pinned = [...trust.pinned, ...(enrolled === undefined ? [] : (JSON.parse(enrolled) as readonly PinnedKey[]))];
  }

  /** Whether anybody at all may sign for this gateway. */
  get isPinned(): boolean {
    return this.#pinned.length > 0;
  }

  /** 0 = none yet. */
  get version(): number {
    return this.#document?.version ?? 0;
  }

  get epoch(): number {
    return this.#document?.epoch ?? 0;
  }

  /** Keys for a purpose at this time; without a trusted clock their dates are not looked at. */
  keysFor(purpose: KeyPurpose, now: Instant): readonly PinnedKey[] {
    const seconds = now.wallMs / 1_000;
    return [...this.#pinned, ...this.#documented()].filter((key) => {
      if (!key.purposes.includes(purpose)) return false;
      if (!isTrusted(now)) return true;
      const { notBefore, notAfter } = key as RingKey;
      return (notBefore === undefined || seconds >= notBefore - toleranceS) && (notAfter === undefined || seconds <= notAfter + toleranceS);
    });
  }

  /** Makes this document the one in force, durably. @returns the generation that counting goes on from */
  adopt(document: KeyDocument, accepted: Generation): Generation {
    const epoch = document.epoch ?? 0;
    const start: Generation = epoch > accepted.epoch ? { epoch, gen: 0 } : accepted;
    this.#state.put({ [documentKey]: JSON.stringify(document) });
    this.#document = document;
    return start;
  }

  /** For status: ids and purposes, never key material. */
  list(now: Instant): readonly { readonly kid: string; readonly purposes: readonly string[] }[] {
    const all = new Map([...this.#pinned, ...this.#documented()].map((key) => [key.kid, key]));
    const live = (key: PinnedKey) => key.purposes.some((purpose) => this.keysFor(purpose, now).some((one) => one.kid === key.kid));
    return [...all.values()].filter(live).map(({ kid, purposes }) => ({ kid, purposes }));
  }

  #documented(): readonly RingKey[] {
    return (this.#document?.keys ?? []).map((key) => ({
      kid: key.kid,
      // A key document never makes another root: roots are pinned by hand or at enrolment.
      purposes: key.roles.flatMap((role) => (Object.hasOwn(purposeOfRole, role) ? [purposeOfRole[role] as KeyPurpose] : [])),
      algorithm: "Ed25519" as const,
      jwk: { kty: "OKP" as const, crv: "Ed25519" as const, x: key.x },
      ...(key.nbf === undefined ? {} : { notBefore: key.nbf }),
      ...(key.exp === undefined ? {} : { notAfter: key.exp }),
    }));
  }

  get trust(): Trust {
    return this.#trust;
  }
}
