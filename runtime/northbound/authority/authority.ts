import type { Generation, KeyPurpose, Manifest, PinnedKey, SignedCommand, Trust } from "#model/authority.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { DocumentStore } from "#ports/document-store.ts";
import type { Logger } from "#ports/logger.ts";
import type { DocumentExpectation, SignedMessages } from "#ports/signed-messages.ts";
import type { State } from "#ports/state.ts";
import { sha256Hex } from "../digest.ts";
import { isTrusted, KeyRing, toleranceS } from "./key-ring.ts";
import { RefusalCounter, type RefusalReason, reasonOf, refusal } from "./refusals.ts";

const acceptedKey = "desired/accepted";

export interface AuthorityParts {
  readonly messages: SignedMessages;
  readonly trust: Trust;
  readonly state: State;
  /** Holds the mark: a second memory of the highest generation, which an old copy of the state does not take back. */
  readonly documents: Pick<DocumentStore, "readMark" | "writeMark">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something that a person at the NOC must know. */
  readonly onAlarm: (type: "authority.conflict" | "authority.rolled-back", text: string) => void;
}

/** A generation that was accepted, with the digest of what it said. */
export interface Accepted extends Generation {
  readonly hash: string;
}

export interface DesiredVerdict {
  /** Accepted before, with the same content: redelivery of a retained manifest is normal. */
  readonly known: boolean;
  readonly manifest: Manifest;
  /** JSON of the manifest. */
  readonly payload: string;
  readonly accepted: Accepted;
}

/** What `gatehouse status` shows. */
export interface AuthorityStatus {
  readonly state: "ready" | "no key document yet" | "no key is pinned: orders of the NOC are refused (set authority.root)";
  readonly keys: readonly { readonly kid: string; readonly purposes: readonly string[] }[];
  readonly keyDocument: number;
  readonly epoch: number;
  readonly generation: number;
  readonly accepted: number;
  readonly refused: number;
  readonly refusedByReason: Readonly<Record<string, number>>;
  readonly lastRefusal: { readonly reason: string; readonly leaf: string; readonly atMs: number } | undefined;
}

/**
 * Transport is not authority: whoever holds the broker may deliver, and commands nothing. Decides whether what came is an order of the NOC
 * for this gateway, now, and not a second time. The nonce of a command is checked here, its id in the desk's journal.
 */
export class Authority {
  readonly #parts: AuthorityParts;
  readonly #ring: KeyRing;
  readonly #refusals = new RefusalCounter();
  #accepted: Accepted;
  #count = 0;

  constructor(parts: AuthorityParts) {
    this.#parts = parts;
    this.#ring = new KeyRing(parts.state, parts.trust);
    this.#accepted = this.#recall();
  }

  /** The state and the mark beside it: the greater counts. An old state put in place of a newer one takes nothing back. */
  #recall(): Accepted {
    const { state, documents, onAlarm } = this.#parts;
    const kept = parseAccepted(state.getText(acceptedKey));
    const marked = parseAccepted(documents.readMark());
    if (!isAfter(marked, kept)) return kept;
    onAlarm(
      "authority.rolled-back",
      `the state is of generation ${kept.gen}, but ${marked.gen} was accepted before: an old copy was put in its place`,
    );
    return marked;
  }

  get accepted(): Accepted {
    return this.#accepted;
  }

  get keyVersion(): number {
    return this.#ring.version;
  }

  get epoch(): number {
    return this.#ring.epoch;
  }

  get isPinned(): boolean {
    return this.#ring.isPinned;
  }

  /** For technicians' tokens and other readers of the same keys. */
  keysFor(purpose: KeyPurpose): readonly PinnedKey[] {
    return this.#ring.keysFor(purpose, this.#parts.clock.now());
  }

  status(): AuthorityStatus {
    const now = this.#parts.clock.now();
    const canSign = this.#ring.keysFor("desired", now).length + this.#ring.keysFor("command", now).length > 0;
    return {
      state: !this.#ring.isPinned
        ? "no key is pinned: orders of the NOC are refused (set authority.root)"
        : canSign
          ? "ready"
          : "no key document yet",
      keys: this.#ring.list(now),
      keyDocument: this.#ring.version,
      epoch: this.#ring.epoch,
      generation: this.#accepted.gen,
      accepted: this.#count,
      refused: this.#refusals.total,
      refusedByReason: this.#refusals.byReason,
      lastRefusal: this.#refusals.last,
    };
  }

  /** Steps 1 to 6 of acceptance for a manifest. @throws GatewayError codec.* with the reason; it was counted */
  desired(document: Uint8Array): Promise<DesiredVerdict> {
    return this.#counted("des", async () => {
      const payload = await this.#verified(document, "gh-desired+jws", "desired");
      const manifest = this.#parts.messages.parseManifest(payload);
      this.#assertDates(manifest.nbf ?? manifest.iat, manifest.exp);
      const accepted: Accepted = { epoch: manifest.epoch ?? 0, gen: manifest.gen, hash: sha256Hex(payload) };
      return { known: this.#isKnown(accepted), manifest, payload: new TextDecoder().decode(payload), accepted };
    });
  }

  /** Entries that make an acceptance durable: to be written in one transaction with what was accepted. */
  acceptance(accepted: Accepted): Readonly<Record<string, string>> {
    return { [acceptedKey]: JSON.stringify(accepted) };
  }

  /** After that transaction. */
  accept(accepted: Accepted): void {
    this.#accepted = accepted;
    this.#parts.documents.writeMark(JSON.stringify(accepted));
  }

  /** @param nonce of the present session's hello; undefined = none was said yet */
  command(document: Uint8Array, nonce: string | undefined): Promise<SignedCommand> {
    return this.#counted("cmd", async () => {
      const payload = await this.#verified(document, "gh-cmd+jws", "command");
      const command = this.#parts.messages.parseCommand(payload);
      if (nonce === undefined || command.nonce !== nonce) throw refusal("nonce");
      this.#assertDates(command.iat, command.iat + command.ttl);
      return command;
    });
  }

  /** A document of the root. True = another set of keys is in force now. */
  keys(document: Uint8Array | string): Promise<boolean> {
    return this.#counted("cmd", async () => {
      const { messages, clock } = this.#parts;
      const payload = await this.#verified(document, "gh-keys+jws", "keys", messages.keysAudience);
      const keys = messages.parseKeys(payload);
      this.#assertDates(keys.iat, keys.exp);
      if (keys.version === this.#ring.version) return false;
      if (keys.version < this.#ring.version) throw refusal("key document version");
      if ((keys.epoch ?? 0) < this.#ring.epoch) throw refusal("epoch");
      const start = this.#ring.adopt(keys, this.#accepted);
      if (start !== this.#accepted) {
        const accepted: Accepted = { ...start, hash: "" };
        this.#parts.state.put(this.acceptance(accepted));
        this.accept(accepted);
      }
      this.#parts.logger.info(
        { version: keys.version, keys: keys.keys.length, wallMs: clock.now().wallMs },
        "the root named new signing keys",
      );
      return true;
    });
  }

  /** Counts a refusal that another room made of something signed (a used id, a full journal). */
  refused(reason: RefusalReason, leaf: string): void {
    this.#note(reason, leaf);
  }

  async #counted<T>(leaf: string, work: () => Promise<T>): Promise<T> {
    try {
      if (!this.#ring.isPinned) throw refusal("no key is pinned");
      const result = await work();
      this.#count += 1;
      return result;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (error.code.startsWith("codec.")) this.#note(reasonOf(error), leaf);
      throw error;
    }
  }

  #note(reason: RefusalReason, leaf: string): void {
    const { logger, clock } = this.#parts;
    const count = this.#refusals.add(reason, leaf, clock.now().wallMs);
    // Whoever floods the gateway with forgeries does not flood the log.
    if ((count & (count - 1)) === 0) logger.warn({ leaf, reason, count }, "an order was refused");
  }

  async #verified(
    document: Uint8Array | string,
    type: DocumentExpectation["type"],
    purpose: KeyPurpose,
    audience = this.#parts.trust.gateway,
  ): Promise<Uint8Array> {
    const { messages, trust, clock } = this.#parts;
    const expected = { type, purpose, audience, tenant: trust.tenant, issuer: trust.issuer };
    const { payload } = await messages.verify(document, expected, this.#ring.keysFor(purpose, clock.now()));
    return payload;
  }

  /** Unix seconds. Without a trusted clock dates say nothing: then the generation or the nonce carries the decision alone. */
  #assertDates(from: number, until: number | undefined): void {
    const now = this.#parts.clock.now();
    if (!isTrusted(now)) return;
    const seconds = now.wallMs / 1_000;
    if (from > seconds + toleranceS) throw refusal("not yet valid");
    if (until !== undefined && until < seconds - toleranceS) throw refusal("expired");
  }

  #isKnown(candidate: Accepted): boolean {
    const before = this.#accepted;
    if (candidate.epoch !== this.#ring.epoch) throw refusal("epoch");
    if (isAfter(candidate, before)) return false;
    if (candidate.gen < before.gen) throw refusal("generation", `${candidate.gen} after ${before.gen}`);
    if (candidate.hash === before.hash) return true;
    this.#parts.onAlarm(
      "authority.conflict",
      `two different manifests are signed as generation ${candidate.gen}: a signing key is misused, or the NOC's store was restored`,
    );
    throw refusal("other content of a known generation");
  }
}

function isAfter(one: Generation, other: Generation): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.gen > other.gen);
}

const none: Accepted = { epoch: 0, gen: 0, hash: "" };

/** The mark lies in a file that a person may have touched: what is no acceptance is none. */
function parseAccepted(text: string | undefined): Accepted {
  if (text === undefined) return none;
  const match = /^\{"epoch":(\d{1,16}),"gen":(\d{1,16}),"hash":"([0-9a-f]{0,64})"\}$/.exec(text.trim());
  if (match === null) return none;
  return { epoch: Number(match[1]), gen: Number(match[2]), hash: match[3] ?? "" };
}
