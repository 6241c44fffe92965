import { timingSafeEqual } from "node:crypto";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { parseBlobRequest } from "../../protocol/messages/blob.ts";
import { parseResponse } from "../../protocol/messages/command.ts";
import { parseHello, parseState } from "../../protocol/messages/presence.ts";
import { parseReported } from "../../protocol/messages/twin.ts";
import type { Leaf } from "../../protocol/topics.ts";
import { AuthorityLine, type AuthorityLineOptions } from "./authority-line.ts";
import type { AuthorityStore } from "./authority-store.ts";
import { BlobDesk } from "./blob-desk.ts";
import { CommandBook, type CommandRow, type NewCommand } from "./command-book.ts";
import { sha256 } from "./digest.ts";
import { KeysWatch } from "./keys-watch.ts";
import { type DesiredView, type DocumentChange, Manifests } from "./manifests.ts";
import { News } from "./news.ts";
import type { Signer } from "./signer.ts";
import { SiteBook, type SiteView, siteKey } from "./site-book.ts";

export interface NocAuthorityOptions extends Omit<AuthorityLineOptions, "onMessage" | "onConnected"> {
  readonly store: AuthorityStore;
  readonly keys: Signer;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

type Message = Readonly<Record<"leaf", Leaf> & Record<"payload", Uint8Array> & Record<"retained", boolean>>;

/** Key documents in one session: a gateway whose keys were pinned by hand takes none, and must not be asked for ever. */
const maxKeysSent = 4;
const tickMs = 1_000;
/** A manifest that its gateway has not taken yet is published again, and so are keys. */
const repeatMs = 15_000;
/** Manifests a second after a restart of the line: 500 gateways each. */
const manifestsPerTick = 500;
const operatorPattern = /^[a-z0-9][a-z0-9._-]{1,63}$/;
const reserved: ReadonlySet<string> = new Set(["admin", "page", "noc"]);

/** The NOC's voice: keys, desired state, commands, documents. Knows nothing of ingest, and ingest nothing of it. */
export class NocAuthority implements Unit {
  readonly name = "authority";
  readonly sites = new SiteBook();
  readonly commands: CommandBook;
  readonly manifests: Manifests;
  readonly #options: NocAuthorityOptions;
  readonly #blobs: BlobDesk;
  readonly #line: AuthorityLine;
  /** Of anything here. */
  readonly news: News;
  readonly #keysWatch: KeysWatch;
  readonly #published = new Map<string, number>();
  readonly #toPublish: { readonly tenant: string; readonly gateway: string }[] = [];
  readonly #stopped = new AbortController();
  /** Frames of the remote editor, for whoever carries it. @throws GatewayError codec.malformed | codec.limit, which is logged here */
  onEditorFrame: ((site: { readonly tenant: string; readonly gateway: string }, payload: Uint8Array) => void) | undefined;

  constructor(options: NocAuthorityOptions) {
    const { store, keys, clock } = options;
    this.#options = options;
    this.news = new News(clock);
    this.commands = new CommandBook(options);
    this.manifests = new Manifests(store, keys, clock);
    this.#blobs = new BlobDesk(store, clock);
    this.#keysWatch = new KeysWatch(keys, options.logger, () => {
      if (!this.#stopped.signal.aborted) this.#keysChanged("signer", "keys were rotated");
    });
    this.#line = new AuthorityLine({
      ...options,
      onMessage: ({ tenant, gateway, ...message }) => this.#receive({ tenant, gateway }, message),
      onConnected: () => this.#toPublish.push(...store.managed()),
    });
  }

  get connected(): boolean {
    return this.#line.connected;
  }

  get keys(): Signer {
    return this.#options.keys;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#options;
    const line = this.#line.run(signal);
    line.catch(() => undefined);
    try {
      await Promise.race([line, this.#tick(signal, clock)]);
      await line;
    } finally {
      this.#stopped.abort(new Error("stopped"));
      this.news.announce();
      await Promise.allSettled([line]);
      store.close();
    }
  }

  /** @throws GatewayError noc.invalid when the gateway never said hello */
  site(tenant: string, gateway: string): SiteView {
    const site = this.sites.get(tenant, gateway);
    if (site === undefined) throw new GatewayError("noc.invalid", { message: "the gateway has never been here" });
    return site;
  }

  order(tenant: string, gateway: string, order: NewCommand, by: string): CommandRow {
    const site = this.site(tenant, gateway);
    const row = this.commands.add(site, order, by);
    this.#audit(by, `command ${row.op}`, gateway, { id: row.id, risk: row.risk, dev: row.dev ?? "" });
    this.#soon(site);
    return row;
  }

  approve(id: string, by: string): CommandRow {
    const row = this.commands.approve(id, by);
    this.#audit(by, `approve ${row.op}`, row.gateway, { id });
    const site = this.sites.get(row.tenant, row.gateway);
    if (site !== undefined) this.#soon(site);
    return row;
  }

  /** Makes these changes part of what the gateway is to have, and tells it. */
  change(
    tenant: string,
    gateway: string,
    changes: readonly DocumentChange[],
    by: string,
  ): { readonly gen: number; readonly changed: boolean } {
    const site = this.sites.of(tenant, gateway);
    if (site === undefined) throw new GatewayError("noc.invalid", { message: "too many gateways" });
    const outcome = this.manifests.change(site, changes, by);
    if (!outcome.changed) return outcome;
    this.#audit(by, `generation ${outcome.gen}`, gateway, { documents: changes.map((one) => one.id).join(" ") });
    this.#published.delete(siteKey(site));
    this.#soon(site);
    return outcome;
  }

  view(tenant: string, gateway: string): DesiredView {
    return this.manifests.view(tenant, gateway, this.sites.get(tenant, gateway));
  }

  async rotate(newEpoch: boolean, by: string): Promise<void> {
    await this.keys.rotate(newEpoch);
    this.#keysWatch.seen();
    this.#keysChanged(by, newEpoch ? "rotate keys, new epoch" : "rotate keys");
  }

  #keysChanged(by: string, action: string): void {
    this.#audit(by, action, "", { version: this.keys.version, epoch: this.keys.epoch });
    this.#published.clear();
    for (const site of this.sites.all) {
      site.keysSent = 0;
      this.#soon(site);
    }
  }

  /** Another person who may order: the token is shown once. @throws GatewayError noc.invalid */
  addOperator(name: string, by: string): string {
    const { entropy, store, clock } = this.#options;
    if (!operatorPattern.test(name) || reserved.has(name)) {
      throw new GatewayError("noc.invalid", { message: "a name has 2 to 64 of a-z, 0-9, '.', '_' and '-', and is not admin, page or noc" });
    }
    const token = Buffer.from(entropy.bytes(32)).toString("hex");
    store.putOperator(name, sha256(token), clock.now().wallMs);
    this.#audit(by, `operator ${name}`, "", {});
    return token;
  }

  removeOperator(name: string, by: string): boolean {
    this.#audit(by, `operator ${name} removed`, "", {});
    return this.#options.store.removeOperator(name);
  }

  /** Whose token this is. */
  operatorOf(token: string): string | undefined {
    const given = Buffer.from(sha256(token));
    return this.#options.store.operators().find((one) => timingSafeEqual(Buffer.from(one.digest), given))?.name;
  }

  /** False = there is no line. */
  sendEditorFrame(site: { readonly tenant: string; readonly gateway: string }, frame: Uint8Array): boolean {
    return this.#line.publish(site, "edq", frame);
  }

  get store(): AuthorityStore {
    return this.#options.store;
  }

  #audit(actor: string, action: string, gateway: string, detail: Readonly<Record<string, unknown>>): void {
    const { store, clock } = this.#options;
    store.audit({ atMs: Math.round(clock.now().wallMs), actor, action, gateway, detail: JSON.stringify(detail).slice(0, 4_096) });
  }

  #receive(address: { readonly tenant: string; readonly gateway: string }, message: Message): void {
    const site = this.sites.of(address.tenant, address.gateway);
    if (site === undefined) return;
    try {
      this.#read(site, message);
    } catch (error) {
      // What a gateway says is foreign: it is counted nowhere better than in the log, once per sentence and minute.
      if (!isGatewayError(error)) throw error;
      this.#options.logger.warn({ gateway: site.gateway, leaf: message.leaf, code: error.code }, "a message of a gateway is not readable");
    }
    if (message.leaf !== "eds") this.news.announce();
  }

  #read(site: SiteView, { leaf, payload, retained }: Message): void {
    switch (leaf) {
      case "hello":
        this.sites.hello(site, parseHello(payload), retained);
        this.#soon(site);
        return;
      case "state":
        this.sites.state(site, parseState(payload));
        return;
      case "rep":
        this.sites.reported(site, parseReported(payload), Math.round(this.#options.clock.now().wallMs));
        return;
      case "rsp":
        this.commands.answer(site.tenant, site.gateway, parseResponse(payload));
        return;
      case "eds":
        this.onEditorFrame?.(site, payload);
        return;
      case "blobq":
        this.#serve(site, payload);
        return;
      default:
        return;
    }
  }

  #serve(site: SiteView, payload: Uint8Array): void {
    const request = parseBlobRequest(payload);
    this.#blobs.answer(siteKey(site), request, this.#stopped.signal).then(
      (piece) => {
        if (piece !== undefined) this.#line.publish(site, "blob", piece);
      },
      (error: unknown) => {
        if (!this.#stopped.signal.aborted)
          this.#options.logger.error({ error: error instanceof Error ? error.message : "unknown" }, "a document could not be served");
      },
    );
  }

  #soon(site: SiteView): void {
    this.#attend(site).catch((error: unknown) => {
      this.#options.logger.warn(
        { gateway: site.gateway, code: isGatewayError(error) ? error.code : "bug", error: error instanceof Error ? error.message : "" },
        "an order could not be sent",
      );
    });
  }

  async #tick(signal: AbortSignal, clock: Clock): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(tickMs, signal);
      this.#keysWatch.look();
      this.commands.expire();
      for (const { tenant, gateway } of this.#toPublish.splice(0, manifestsPerTick)) {
        const site = this.sites.of(tenant, gateway);
        if (site !== undefined) this.#published.delete(siteKey(site));
        if (site !== undefined) this.#soon(site);
      }
      if (this.#line.connected) for (const site of this.sites.all) if (site.online) this.#soon(site);
    }
  }

  /** Keys it lacks first, then what it is to have, then what is ordered. */
  async #attend(site: SiteView): Promise<void> {
    const { keys, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (site.keys !== undefined && site.keys < keys.version && site.keysSent < maxKeysSent && this.#isDue(`keys ${siteKey(site)}`, nowMs)) {
      site.keysSent += 1;
      const document = await keys.document(site.tenant);
      if (!this.#line.publish(site, "cmd", document, 300)) this.#published.delete(`keys ${siteKey(site)}`);
      // The retained manifest was refused for its key: it comes again after the keys.
      else this.#published.delete(siteKey(site));
    }
    const manifest = await this.manifests.signed(site.tenant, site.gateway);
    const isTaken = manifest !== undefined && site.gen >= manifest.gen && this.#published.has(siteKey(site));
    if (manifest !== undefined && !isTaken && this.#isDue(siteKey(site), nowMs)) {
      if (!this.#line.publish(site, "des", manifest.jws)) this.#published.delete(siteKey(site));
    }
    for (const { jws, expirySeconds } of await this.commands.due(site)) {
      if (!this.#line.publish(site, "cmd", jws, expirySeconds)) this.commands.unsent(site);
    }
  }

  #isDue(key: string, nowMs: number): boolean {
    const lastMs = this.#published.get(key);
    if (lastMs !== undefined && nowMs - lastMs < repeatMs) return false;
    this.#published.set(key, nowMs);
    return true;
  }
}
