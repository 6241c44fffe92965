/** The gateway's side of being managed: who may order (authority), what is wanted (desired state), what is ordered (command desk). */
import type { ReportedState } from "#model/authority.ts";
import type { Audit, AuditEntry } from "#ports/audit.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { DocumentOwner } from "#ports/desired-state.ts";
import type { DocumentStore } from "#ports/document-store.ts";
import type { EventSink } from "#ports/event-sink.ts";
import type { Operation } from "#ports/operations.ts";
import type { SignedMessages } from "#ports/signed-messages.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import type { UpdateStatus } from "#ports/updater.ts";
import { statedType, verifyDocument } from "../cloud-bridge/protocol/envelope.ts";
import { formatBlobRequest, parseBlobPiece } from "../cloud-bridge/protocol/messages/blob.ts";
import { formatResponse, parseCommand } from "../cloud-bridge/protocol/messages/command.ts";
import { keysAudience, parseKeys } from "../cloud-bridge/protocol/messages/keys.ts";
import { parseStrictJson } from "../cloud-bridge/protocol/messages/strict-json.ts";
import { formatReported, parseDesired } from "../cloud-bridge/protocol/messages/twin.ts";
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { Authority } from "./northbound/authority/authority.ts";
import { type AuditEntry as CommandAudit, Desk } from "./northbound/command-desk/desk.ts";
import { LocalLock } from "./northbound/command-desk/local-lock.ts";
import { ResponseSender } from "./northbound/command-desk/response-sender.ts";
import { BlobFetcher } from "./northbound/desired-state/blob-fetcher.ts";
import { DesiredState } from "./northbound/desired-state/engine.ts";
import { ReportSender } from "./northbound/desired-state/report-sender.ts";
import { Inbox } from "./northbound/inbox.ts";
import type { Link } from "./northbound/link.ts";
import { SessionNonce } from "./northbound/session-nonce.ts";
import type { Platform } from "./parts-platform.ts";
import { trustOf } from "./trust.ts";

/** The protocol's functions, as the rooms see them. */
export const signedMessages: SignedMessages = {
  statedType,
  verify: verifyDocument,
  keysAudience,
  parseManifest: parseDesired,
  parseCommand,
  parseKeys,
  parseStrictJson,
  parseBlobPiece,
  formatReported,
  formatResponse,
  formatBlobRequest: (request) => formatBlobRequest({ v: 1, ...request }),
};

export interface NorthboundParts {
  readonly configuration: () => GatewayConfiguration;
  readonly version: string;
  readonly state: State;
  readonly documents: DocumentStore;
  readonly sink: EventSink;
  readonly buffer: Buffer;
  readonly audit: Pick<Audit, "write">;
  /** The NOC's root as given at enrolment, for a configuration that names none. */
  readonly enrolledRoot?: string;
  readonly owners: readonly DocumentOwner[];
  readonly operations: () => readonly Operation[];
  readonly selfTest: (signal: AbortSignal) => Promise<readonly string[]>;
  /** For the remote editor's tunnel. */
  readonly onEditor?: (payload: Uint8Array) => Promise<void> | void;
  /** How updates stand; absent = this gateway gets none. */
  readonly update?: () => UpdateStatus;
}

const lookMs = 100;
/** How often what is held is sealed while the NOC's answer is awaited. */
const sealMs = 1_000;

/** Everything that has to do with orders, wired to each other. `attach` gives it the line. */
export class Northbound {
  readonly authority: Authority;
  readonly desired: DesiredState;
  readonly desk: Desk;
  readonly lock: LocalLock;
  readonly inbox: Inbox;
  readonly nonce: SessionNonce;
  readonly units: readonly Unit[];
  readonly #parts: NorthboundParts;
  readonly #platform: Platform;
  readonly #reports: ReportSender;
  readonly #responses: ResponseSender;
  #link: Link | undefined;
  #audited = "";

  constructor(parts: NorthboundParts, platform: Platform) {
    const { state, documents } = parts;
    const { clock, logger, entropy } = platform;
    this.#parts = parts;
    this.#platform = platform;
    this.nonce = new SessionNonce(entropy);
    this.lock = new LocalLock(state, clock);
    const trust = trustOf(parts.configuration(), parts.enrolledRoot);
    this.authority = new Authority({
      messages: signedMessages,
      trust,
      state,
      documents,
      clock,
      logger,
      onAlarm: (type, text) => this.#alarm(type, text),
    });
    const fetcher = new BlobFetcher({
      documents,
      clock,
      entropy,
      request: (body, signal) => this.#publish("blobq", signedMessages.formatBlobRequest(body), signal),
    });
    this.#reports = new ReportSender({
      clock,
      report: () => ({
        ...this.desired.report(),
        ...(this.authority.isPinned ? { keys: this.authority.keyVersion } : {}),
        ...this.#update(),
      }),
      format: signedMessages.formatReported,
      publish: (payload, signal) => this.#publish("rep", payload, signal),
    });
    this.#responses = new ResponseSender({
      clock,
      format: signedMessages.formatResponse,
      publish: (payload, signal) => this.#publish("rsp", payload, signal),
      onReported: (id) => this.desk.reported(id),
      unreported: () => this.desk.unreported(),
      result: (id) => this.desk.journal.get(id)?.result,
    });
    this.desired = this.#desiredState(fetcher);
    this.desk = new Desk({
      ...{ state, clock, logger, lock: this.lock, operations: parts.operations, responses: this.#responses },
      audit: (entry) => this.#audit(entry),
    });
    const { authority, desired, desk, nonce } = this;
    const editor = parts.onEditor === undefined ? {} : { onEditor: parts.onEditor };
    const onKeys = () => this.#reports.changed(true);
    this.inbox = new Inbox({ messages: signedMessages, authority, desired, desk, fetcher, nonce, clock, onKeys, ...editor });
    this.units = [this.desired, this.desk, this.#reports, this.#responses];
  }

  attach(link: Link): void {
    this.#link = link;
  }

  /** How an update stands has changed: the NOC is told. */
  readonly updateChanged = (): void => this.#reports.changed(true);

  #update(): Pick<ReportedState, "fw"> {
    const status = this.#parts.update?.();
    if (status === undefined) return {};
    const { phase, target, problem } = status;
    const msg = problem === undefined ? {} : { msg: problem.message.slice(0, 500) };
    return { fw: { st: phase, ...(target === undefined ? {} : { version: target.version }), ...msg } };
  }

  /** A session began. Bound: given to the link. */
  readonly connected = (): void => {
    this.#reports.sessionBegan();
    this.#responses.sessionBegan();
  };

  /** For hello. */
  greeting() {
    const { accepted, keyVersion, epoch, isPinned } = this.authority;
    const operations = Object.fromEntries(this.desk.operations.map(({ name, risk }) => [name, risk]));
    return { nonce: this.nonce.renew(), generation: accepted.gen, keys: keyVersion, epoch, isPinned, operations };
  }

  /** Sections of `gatehouse status`. */
  sections(): Readonly<Record<string, () => unknown>> {
    return { authority: () => this.authority.status(), desired: () => this.desired.report(), commands: () => this.desk.status() };
  }

  #desiredState(fetcher: BlobFetcher): DesiredState {
    const { state, documents, owners, version, selfTest, configuration } = this.#parts;
    const { clock, logger } = this.#platform;
    return new DesiredState({
      ...{ state, documents, fetcher, owners, clock, logger, agent: version, selfTest },
      parseStrictJson,
      reachNoc: (signal) => this.#reachNoc(signal),
      confirmWindowMs: () => configuration().authority.confirmWindowMs,
      isLocked: () => this.lock.isLocked,
      onChange: (final) => {
        this.#reports.changed(final);
        if (final) this.#auditDesired();
      },
    });
  }

  async #publish(leaf: "rep" | "rsp" | "blobq", payload: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#link === undefined)
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    await this.#link.publish(leaf, payload, signal);
  }

  /** There and back: the broker has our report, and the NOC acknowledged something that was sent after the change. */
  async #reachNoc(signal: AbortSignal): Promise<void> {
    const { clock } = this.#platform;
    const { buffer, sink } = this.#parts;
    const sinceMs = clock.monotonicMs();
    await this.#reports.delivered(signal);
    this.#say(sink, "desired.probation", "the gateway proves after a change that it reaches the NOC");
    let sealedMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const { state, lastAckAgoMs } = this.#link?.status() ?? { state: "idle", lastAckAgoMs: undefined };
      const nowMs = clock.monotonicMs();
      if (state === "connected" && lastAckAgoMs !== undefined && nowMs - lastAckAgoMs > sinceMs) return;
      if (nowMs - sealedMs >= sealMs) {
        sealedMs = nowMs;
        await buffer.sealNow();
      }
      await clock.sleep(lookMs, signal);
    }
  }

  #alarm(type: string, text: string): void {
    this.#parts.sink.offer({
      kind: "event",
      type,
      source: "gateway",
      severity: "major",
      text,
      observedAt: this.#platform.clock.now(),
      attributes: {},
    });
  }

  #say(sink: EventSink, type: string, text: string): void {
    const observedAt = this.#platform.clock.now();
    sink.offer({ kind: "event", type, source: "gateway", severity: "indeterminate", text, observedAt, attributes: {} });
  }

  #audit({ id, operation, risk, equipment, actor, from, status, code, about }: CommandAudit): void {
    const detail = [risk, id, code, about].filter((one) => one !== undefined).join(" ");
    this.#parts.audit.write({
      ...{ actor, from, action: `command.${operation}`, outcome: status, detail },
      ...(equipment === undefined ? {} : { target: equipment }),
    });
  }

  /** What became of a generation, once. */
  #auditDesired(): void {
    const { gen, phase, reason } = this.desired.report();
    const outcomes: Readonly<Record<string, AuditEntry["outcome"]>> = { ok: "ok", rolled_back: "rolled-back", failed: "error" };
    const outcome = outcomes[phase];
    const mark = `${gen}/${phase}`;
    if (outcome === undefined || mark === this.#audited) return;
    this.#audited = mark;
    const entry = { actor: "noc", action: "desired.generation", target: String(gen), outcome };
    this.#parts.audit.write(reason === undefined ? entry : { ...entry, detail: reason });
  }
}
