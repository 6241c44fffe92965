import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import { type DesiredDocument, type DesiredManifest, formatDesired } from "../../protocol/messages/twin.ts";
import type { AuthorityStore, StoredManifest, WantedDocument } from "./authority-store.ts";
import { clearSecretIn } from "./clear-secrets.ts";
import type { Signer } from "./signer.ts";
import { issuer } from "./signing-keys.ts";
import type { SiteView } from "./site-book.ts";

/** A change of what a gateway is to have; `content: null` takes the document away. */
export interface DocumentChange {
  readonly kind: string;
  readonly id: string;
  readonly content: unknown;
  readonly must?: boolean;
}

/** One document, wanted beside reported. */
export interface DocumentDifference {
  readonly id: string;
  readonly kind: string;
  readonly rev: number;
  readonly sha256: string;
  /** `same`, `pending`, or how it ended at the gateway. */
  readonly state: string;
  readonly error?: { readonly code?: string; readonly path?: string; readonly msg?: string };
  readonly steps?: unknown;
  readonly tookMs?: number;
}

export interface DesiredView {
  readonly gen: number;
  readonly atMs: number | undefined;
  readonly by: string | undefined;
  readonly reported:
    | { readonly gen: number; readonly phase: string; readonly reason?: string; readonly agent?: string; readonly atMs?: number }
    | undefined;
  readonly documents: readonly DocumentDifference[];
  readonly drift: readonly unknown[];
}

const validS = 365 * 86_400;
const renewMs = 300 * 86_400_000;
const maxInlineBytes = 4_096;
/** Of one manifest: the rest travels as blobs, so that the retained message stays small. */
const maxInlineTotal = 16_384;
const maxDocumentBytes = 4 * 1_048_576;
const maxDocuments = 500;
const idPattern = /^[A-Za-z0-9._-]{1,128}$/;

/** What each gateway is to have: documents, their generation, the signed manifest. */
export class Manifests {
  readonly #store: AuthorityStore;
  readonly #keys: Signer;
  readonly #clock: Clock;
  readonly #signed = new Map<string, { readonly gen: number; readonly keyVersion: number; readonly jws: string }>();

  constructor(store: AuthorityStore, keys: Signer, clock: Clock) {
    this.#store = store;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** @returns the generation that has these changes; the present one when they change nothing. @throws GatewayError noc.invalid */
  change(
    site: Pick<SiteView, "tenant" | "gateway" | "gen">,
    changes: readonly DocumentChange[],
    by: string,
  ): { readonly gen: number; readonly changed: boolean } {
    const { tenant, gateway } = site;
    const before = this.#store.documents(tenant, gateway);
    const after = new Map(before.map((one) => [one.id, one]));
    for (const one of changes) {
      if (!idPattern.test(one.id)) throw new GatewayError("noc.invalid", { message: `not the id of a document: ${one.id.slice(0, 40)}` });
      const clear = clearSecretIn(one.kind, one.content);
      if (clear !== undefined)
        throw new GatewayError("noc.invalid", {
          message: `${one.id}${clear}: a secret in clear text. Seal it to the gateway: gatehouse noc secret seal ${gateway} --stdin`,
        });
      if (one.content === null) after.delete(one.id);
      else after.set(one.id, revised(one, after.get(one.id)));
    }
    if (after.size > maxDocuments) throw new GatewayError("noc.invalid", { message: `at most ${maxDocuments} documents of one gateway` });
    const documents = [...after.values()];
    const newest = this.#store.newestManifest(tenant, gateway);
    if (newest !== undefined && isSame(before, documents)) return { gen: newest.gen, changed: false };
    // A gateway that remembers more than this store (restored from an old copy) would refuse what it takes for old.
    const gen = Math.max(newest?.gen ?? 0, site.gen) + 1;
    const atMs = Math.round(this.#clock.now().wallMs);
    const payload = this.#compose(site, gen, documents, atMs);
    this.#store.putGeneration(tenant, gateway, documents, { gen, payload, atMs, by });
    return { gen, changed: true };
  }

  /** The signed manifest in force; undefined = nothing was ever ordered. */
  async signed(tenant: string, gateway: string): Promise<{ readonly gen: number; readonly jws: string } | undefined> {
    const newest = this.#fresh(tenant, gateway);
    if (newest === undefined) return undefined;
    const key = `${tenant}/${gateway}`;
    const known = this.#signed.get(key);
    const keyVersion = this.#keys.version;
    if (known?.gen === newest.gen && known.keyVersion === keyVersion) return known;
    const payload = this.#inEpoch(tenant, gateway, newest.payload);
    const jws = await this.#keys.sign("gh-desired+jws", new TextEncoder().encode(payload));
    const made = { gen: newest.gen, keyVersion, jws };
    this.#signed.set(key, made);
    return made;
  }

  document(tenant: string, gateway: string, id: string): unknown {
    const found = this.#store.documents(tenant, gateway).find((one) => one.id === id);
    if (found === undefined) throw new GatewayError("noc.invalid", { message: `the gateway is to have no document ${id.slice(0, 40)}` });
    return JSON.parse(found.text) as unknown;
  }

  /** Wanted beside reported. */
  view(tenant: string, gateway: string, site: SiteView | undefined): DesiredView {
    const newest = this.#store.newestManifest(tenant, gateway);
    const reported = site?.reported;
    const documents = this.#store.documents(tenant, gateway).map((one) => difference(one, newest?.gen ?? 0, site));
    const extra = (reported?.docs ?? []).filter((one) => one.st !== "failed" && !documents.some(({ id }) => id === one.id));
    return {
      gen: newest?.gen ?? 0,
      atMs: newest?.atMs,
      by: newest?.by,
      reported:
        reported === undefined
          ? undefined
          : {
              gen: reported.gen,
              phase: reported.phase,
              ...(reported.reason === undefined ? {} : { reason: reported.reason }),
              ...(reported.agent === undefined ? {} : { agent: reported.agent }),
              ...(site?.reportedMs === undefined ? {} : { atMs: site.reportedMs }),
            },
      documents: [
        ...documents,
        ...extra.map((one) => ({ id: one.id, kind: "?", rev: 0, sha256: one.sha256 ?? "", state: "not wanted any more" })),
      ],
      drift: reported?.drift ?? [],
    };
  }

  #compose(site: Pick<SiteView, "tenant" | "gateway">, gen: number, documents: readonly WantedDocument[], atMs: number): string {
    let inlineTotal = 0;
    const docs = documents.map((one): DesiredDocument => {
      const bytes = new TextEncoder().encode(one.text);
      const { kind, id, rev, sha256, must } = one;
      const head = { k: kind, id, rev, sha256, ...(must ? { must } : {}) };
      if (bytes.length <= maxInlineBytes && inlineTotal + bytes.length <= maxInlineTotal) {
        inlineTotal += bytes.length;
        return { ...head, size: bytes.length, enc: "json", inline: JSON.parse(one.text) as unknown };
      }
      this.#store.putBlob(sha256, gzipSync(bytes), atMs);
      return { ...head, size: bytes.length, enc: "json.gz", src: ["mqtt"] };
    });
    const iat = Math.floor(atMs / 1_000);
    const manifest: DesiredManifest = {
      v: 1,
      iss: issuer,
      aud: site.gateway,
      tenant: site.tenant,
      epoch: this.#keys.epoch,
      gen,
      iat,
      nbf: iat,
      exp: iat + validS,
      docs,
    };
    const payload = formatDesired(manifest);
    if (payload.length > 45_000) throw new GatewayError("noc.invalid", { message: "the manifest is too long: fewer documents" });
    return new TextDecoder().decode(payload);
  }

  /** A manifest that will expire soon becomes another generation with the same documents. */
  #fresh(tenant: string, gateway: string): StoredManifest | undefined {
    const newest = this.#store.newestManifest(tenant, gateway);
    const atMs = Math.round(this.#clock.now().wallMs);
    if (newest === undefined || atMs - newest.atMs < renewMs) return newest;
    const documents = this.#store.documents(tenant, gateway);
    const gen = newest.gen + 1;
    const renewed: StoredManifest = { gen, payload: this.#compose({ tenant, gateway }, gen, documents, atMs), atMs, by: "renewal" };
    this.#store.putGeneration(tenant, gateway, documents, renewed);
    return renewed;
  }

  /** After a rotation with a new epoch the manifest in force is made anew for it. */
  #inEpoch(tenant: string, gateway: string, payload: string): string {
    const manifest = JSON.parse(payload) as DesiredManifest;
    const epoch = this.#keys.epoch;
    if (manifest.epoch === epoch) return payload;
    const text = new TextDecoder().decode(formatDesired({ ...manifest, epoch }));
    const atMs = Math.round(this.#clock.now().wallMs);
    this.#store.replaceManifest(tenant, gateway, { gen: manifest.gen, payload: text, atMs, by: "rotation of keys" });
    return text;
  }
}

function revised(change: DocumentChange, before: WantedDocument | undefined): WantedDocument {
  const text = JSON.stringify(change.content);
  if (text === undefined || text.length > maxDocumentBytes)
    throw new GatewayError("noc.invalid", { message: `a document has at most ${maxDocumentBytes} bytes` });
  const sha256 = createHash("sha256").update(text).digest("hex");
  const must = change.must ?? false;
  if (before?.sha256 === sha256 && before.must === must && before.kind === change.kind) return before;
  return { kind: change.kind, id: change.id, rev: (before?.rev ?? 0) + 1, sha256, text, must };
}

function isSame(before: readonly WantedDocument[], after: readonly WantedDocument[]): boolean {
  const key = (documents: readonly WantedDocument[]) =>
    documents
      .map((one) => `${one.id} ${one.rev} ${one.sha256} ${one.must}`)
      .sort()
      .join("\n");
  return key(before) === key(after);
}

function difference(one: WantedDocument, gen: number, site: SiteView | undefined): DocumentDifference {
  const { id, kind, rev, sha256 } = one;
  const reported = site?.reported;
  const there = reported?.docs.find((doc) => doc.id === id);
  const isCurrent = reported?.gen === gen;
  const isApplied = there?.sha256 === sha256 && (there.st === "applied" || there.st === "unchanged") && reported?.phase === "ok";
  const state = isApplied ? "same" : isCurrent && there !== undefined ? there.st : "pending";
  const more = there as (typeof there & { readonly steps?: unknown; readonly ms?: number }) | undefined;
  return {
    ...{ id, kind, rev, sha256, state },
    ...(isCurrent && there?.err !== undefined ? { error: there.err } : {}),
    ...(isCurrent && more?.steps !== undefined ? { steps: more.steps } : {}),
    ...(isCurrent && more?.ms !== undefined ? { tookMs: more.ms } : {}),
  };
}
