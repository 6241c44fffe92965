import type { CommandResponse, ReportedState, Trust } from "../../../runtime/model/authority.ts";
import { Authority } from "../../../runtime/northbound/authority/authority.ts";
import { type AuditEntry, Desk } from "../../../runtime/northbound/command-desk/desk.ts";
import { LocalLock } from "../../../runtime/northbound/command-desk/local-lock.ts";
import { BlobFetcher } from "../../../runtime/northbound/desired-state/blob-fetcher.ts";
import { DesiredState } from "../../../runtime/northbound/desired-state/engine.ts";
import { Inbox } from "../../../runtime/northbound/inbox.ts";
import { SessionNonce } from "../../../runtime/northbound/session-nonce.ts";
import { signedMessages } from "../../../runtime/parts-northbound.ts";
import type { DocumentOwner } from "../../../runtime/ports/desired-state.ts";
import type { DocumentStore } from "../../../runtime/ports/document-store.ts";
import type { Operation } from "../../../runtime/ports/operations.ts";
import type { State } from "../../../runtime/ports/state.ts";
import { CollectingLogger } from "../../sim/collecting-logger.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

export interface StandParts {
  readonly trust: Trust;
  readonly state: State;
  readonly documents: DocumentStore;
  readonly owners?: readonly DocumentOwner[];
  readonly operations?: readonly Operation[];
  readonly clock?: VirtualClock;
  readonly seed?: number;
  readonly reachNoc?: (signal: AbortSignal) => Promise<void>;
  readonly selfTest?: () => Promise<readonly string[]>;
  readonly agent?: string;
}

/** The gateway's side of being managed, real but for disk, line and clock: one process from start to cut. */
export class Stand {
  readonly clock: VirtualClock;
  readonly authority: Authority;
  readonly desired: DesiredState;
  readonly desk: Desk;
  readonly lock: LocalLock;
  readonly inbox: Inbox;
  readonly nonce: SessionNonce;
  readonly fetcher: BlobFetcher;
  readonly alarms: string[] = [];
  readonly audit: AuditEntry[] = [];
  readonly reports: ReportedState[] = [];
  readonly said: Pick<CommandResponse, "st" | "pct" | "out">[] = [];
  readonly results: string[] = [];
  readonly requests: { readonly sha256: string; readonly off: number; readonly len: number; readonly rid: string }[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  failure: unknown;

  constructor(parts: StandParts) {
    const { state, documents, trust } = parts;
    const logger = new CollectingLogger();
    const clock = parts.clock ?? new VirtualClock();
    this.clock = clock;
    const entropy = seededEntropy(parts.seed ?? 1);
    this.nonce = new SessionNonce(entropy);
    this.lock = new LocalLock(state, clock);
    const onAlarm = (type: string, text: string) => void this.alarms.push(`${type}: ${text}`);
    this.authority = new Authority({ messages: signedMessages, trust, state, documents, clock, logger, onAlarm });
    this.fetcher = new BlobFetcher({ documents, clock, entropy, request: async (body) => void this.requests.push(body) });
    this.desired = new DesiredState({
      ...{ state, documents, fetcher: this.fetcher, owners: parts.owners ?? [], clock, logger, agent: parts.agent ?? "1.0.0" },
      parseStrictJson: signedMessages.parseStrictJson,
      reachNoc: parts.reachNoc ?? (() => Promise.resolve()),
      selfTest: parts.selfTest ?? (() => Promise.resolve([])),
      confirmWindowMs: () => 120_000,
      isLocked: () => this.lock.isLocked,
      onChange: () => void this.reports.push(this.desired.report()),
    });
    this.desk = new Desk({
      ...{ state, clock, logger, lock: this.lock, operations: () => parts.operations ?? [] },
      responses: { say: (_id, message) => void this.said.push(message), result: (id) => void this.results.push(id) },
      audit: (entry) => void this.audit.push(entry),
    });
    const { authority, desired, desk, nonce, fetcher } = this;
    this.inbox = new Inbox({ messages: signedMessages, authority, desired, desk, fetcher, nonce, clock, onKeys: () => undefined });
  }

  /** Unix seconds. */
  get nowS(): number {
    return Math.floor(this.clock.now().wallMs / 1_000);
  }

  start(): this {
    for (const unit of [this.desired, this.desk]) {
      this.#running.push(
        unit.run(this.#stop.signal).catch((error: unknown) => {
          this.failure = error;
        }),
      );
    }
    return this;
  }

  deliver(leaf: "des" | "cmd" | "blob", payload: Uint8Array): Promise<void> {
    return this.inbox.take({ leaf, payload, retained: leaf === "des" });
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("test over"));
    await this.clock.advance(1);
    await Promise.allSettled(this.#running);
  }
}
