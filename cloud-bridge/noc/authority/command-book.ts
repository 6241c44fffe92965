import { createHash } from "node:crypto";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import { type CommandMessage, formatCommand, type ResponseMessage } from "../../protocol/messages/command.ts";
import type { AuthorityStore } from "./authority-store.ts";
import { clearSecretOfOrder } from "./clear-secrets.ts";
import type { Signer } from "./signer.ts";
import { issuer } from "./signing-keys.ts";
import type { SiteView } from "./site-book.ts";
import { ulid } from "./ulid.ts";

export type Risk = CommandMessage["risk"];

/** One order from its giver to its answer. */
export interface CommandRow {
  readonly id: string;
  readonly tenant: string;
  readonly gateway: string;
  readonly op: string;
  readonly risk: Risk;
  readonly dev?: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly by: string;
  readonly approvals: readonly string[];
  /** Unix ms. */
  readonly createdMs: number;
  /** Seconds from creation, or from the approval. */
  readonly ttl: number;
  readonly issuedMs: number;
  /** `approval`: waits for a second person; `sending` until the gateway answers; `no-answer`: nothing came within its time. */
  readonly state: "approval" | "sending" | "accepted" | "running" | "ok" | "error" | "denied" | "expired" | "no-answer";
  /** Still to be sent or answered. */
  readonly open: boolean;
  readonly progress: readonly { readonly seq: number; readonly pct?: number; readonly out?: unknown }[];
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly msg?: string; readonly retryable?: boolean };
  readonly endedMs?: number;
  /** Grows with each change. */
  readonly version: number;
}

export interface NewCommand {
  readonly op: string;
  readonly dev?: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly ttl?: number;
  readonly risk?: Risk;
}

const repeatMs = 15_000;
const repeatAcceptedMs = 60_000;
const defaultTtlS = 120;
/** Longest an operation may take after its time to live, before it is said that no answer came. */
const patienceMs = 900_000;
const maxOpen = 10_000;
const maxProgress = 100;
const maxPartsBytes = 1_048_576;
const maxTransfers = 64;
const risks: readonly Risk[] = ["read", "write", "disruptive", "destructive"];

/** Orders and their answers, durable. Signs each for the present session of its gateway; the same id never runs twice there. */
export class CommandBook {
  readonly #parts: { readonly store: AuthorityStore; readonly keys: Signer; readonly clock: Clock; readonly entropy: Entropy };
  readonly #open = new Map<string, CommandRow>();
  readonly #sent = new Map<string, { readonly atMs: number; readonly nonce: string }>();
  readonly #pieces = new Map<string, { readonly size: number; readonly sha256: string; readonly bytes: Uint8Array; received: number }>();

  constructor(parts: { readonly store: AuthorityStore; readonly keys: Signer; readonly clock: Clock; readonly entropy: Entropy }) {
    this.#parts = parts;
    for (const row of parts.store.openCommands<CommandRow>()) this.#open.set(row.id, row);
  }

  /** @throws GatewayError noc.invalid */
  add(site: SiteView, order: NewCommand, by: string): CommandRow {
    const { clock, entropy } = this.#parts;
    if (this.#open.size >= maxOpen) throw new GatewayError("noc.invalid", { message: `${maxOpen} commands are open already` });
    const risk = risks.find((one) => one === (site.operations[order.op] ?? order.risk));
    if (risk === undefined) {
      const known = Object.keys(site.operations).sort().join(", ");
      throw new GatewayError("noc.invalid", {
        message: `the gateway offers no operation ${order.op.slice(0, 64)}${known === "" ? "" : `; it offers ${known}`}`,
      });
    }
    const clear = clearSecretOfOrder(order.op, order.args ?? {});
    if (clear !== undefined) {
      const seal = `seal it to the gateway (gatehouse noc secret seal ${site.gateway} --stdin)`;
      const advice = order.op === "snmp.set" ? `${seal}, or say "secret": false of the varbind if it is none` : seal;
      throw new GatewayError("noc.invalid", { message: `${clear}: a secret does not travel in clear text; ${advice}` });
    }
    const nowMs = Math.round(clock.now().wallMs);
    const needsSecond = risk === "disruptive" || risk === "destructive";
    const row: CommandRow = {
      id: ulid(nowMs, entropy),
      ...{ tenant: site.tenant, gateway: site.gateway, op: order.op, risk, args: order.args ?? {}, by, approvals: [] },
      ...(order.dev === undefined ? {} : { dev: order.dev }),
      ...{ createdMs: nowMs, issuedMs: nowMs, ttl: order.ttl ?? defaultTtlS, state: needsSecond ? "approval" : "sending" },
      ...{ open: true, progress: [], version: 1 },
    };
    // What does not pass the protocol's own schema is said now, not by the gateway.
    formatCommand(messageOf(row, "0123456789abcdef0123"));
    return this.#keep(row);
  }

  /** Another person says yes. @throws GatewayError noc.invalid | noc.denied */
  approve(id: string, by: string): CommandRow {
    const row = this.get(id);
    if (row.state !== "approval") throw new GatewayError("noc.invalid", { message: "the command does not wait for an approval" });
    if (row.by === by) throw new GatewayError("noc.denied", { message: "a second person must approve, not the one who ordered" });
    return this.#keep({
      ...row,
      approvals: [...row.approvals, by],
      state: "sending",
      issuedMs: Math.round(this.#parts.clock.now().wallMs),
    });
  }

  /** @throws GatewayError noc.invalid */
  get(id: string): CommandRow {
    const row = this.#open.get(id) ?? this.#parts.store.command<CommandRow>(id);
    if (row === undefined) throw new GatewayError("noc.invalid", { message: "no such command" });
    return row;
  }

  list(tenant: string, gateway: string, limit: number): readonly CommandRow[] {
    return this.#parts.store.commands<CommandRow>(tenant, gateway, limit);
  }

  /** Orders that are due to be sent to this gateway now, signed for its session. Ends those whose time is over. */
  async due(site: SiteView): Promise<readonly { readonly jws: string; readonly expirySeconds: number }[]> {
    const { clock, keys } = this.#parts;
    const nowMs = clock.now().wallMs;
    const due: { jws: string; expirySeconds: number }[] = [];
    for (const row of this.#open.values()) {
      if (row.tenant !== site.tenant || row.gateway !== site.gateway || row.state === "approval" || !site.online) continue;
      const { nonce } = site;
      const leftS = Math.ceil((row.issuedMs + row.ttl * 1_000 - nowMs) / 1_000);
      // Within its time it is sent until it is accepted; after that a repetition only asks for the answer, which the gateway remembers.
      if (nonce === undefined || leftS <= 0) continue;
      const sent = this.#sent.get(row.id);
      const pauseMs = row.state === "sending" ? repeatMs : repeatAcceptedMs;
      if (sent !== undefined && sent.nonce === nonce && nowMs - sent.atMs < pauseMs) continue;
      this.#sent.set(row.id, { atMs: nowMs, nonce });
      due.push({ jws: await keys.sign("gh-cmd+jws", formatCommand(messageOf(row, nonce))), expirySeconds: leftS });
    }
    return due;
  }

  /** It could not be handed to the broker: the next round tries again. */
  unsent(site: SiteView): void {
    for (const row of this.#open.values()) if (row.tenant === site.tenant && row.gateway === site.gateway) this.#sent.delete(row.id);
  }

  /** Ends what nobody answered. */
  expire(): void {
    const nowMs = this.#parts.clock.now().wallMs;
    for (const row of [...this.#open.values()]) {
      const endMs = row.issuedMs + row.ttl * 1_000;
      if (row.state === "approval" && nowMs > row.createdMs + 86_400_000)
        this.#keep({ ...row, state: "expired", open: false, endedMs: nowMs });
      else if (row.state === "sending" && nowMs > endMs) this.#keep({ ...row, state: "expired", open: false, endedMs: nowMs });
      else if (row.state !== "approval" && nowMs > endMs + patienceMs)
        this.#keep({ ...row, state: "no-answer", open: false, endedMs: nowMs });
    }
  }

  /** An answer of the gateway. @returns the command, if it was one of its own */
  answer(tenant: string, gateway: string, message: ResponseMessage): CommandRow | undefined {
    const row = this.#open.get(message.id);
    if (row === undefined || row.tenant !== tenant || row.gateway !== gateway || row.state === "approval") return undefined;
    const { part } = message as ResponseMessage & { readonly part?: unknown };
    if (part !== undefined) {
      if (isPiece(part)) this.#takePiece(row.id, part);
      return row;
    }
    if (message.fin === true) return this.#end(row, message);
    if (row.progress.some((one) => one.seq === message.seq)) return row;
    const says = message.out !== undefined || message.pct !== undefined;
    const step = {
      seq: message.seq,
      ...(message.pct === undefined ? {} : { pct: message.pct }),
      ...(message.out === undefined ? {} : { out: message.out }),
    };
    const state = message.st === "running" ? "running" : row.state === "running" ? "running" : "accepted";
    return this.#keep({ ...row, state, progress: says ? [...row.progress, step].slice(-maxProgress) : row.progress });
  }

  #end(row: CommandRow, message: ResponseMessage): CommandRow {
    const endings = ["ok", "error", "denied", "expired"] as const;
    const state = endings.find((one) => one === message.st) ?? "error";
    const result = this.#resultOf(row.id, message.out);
    const { err } = message;
    const ended = { ...row, state, open: false, endedMs: Math.round(this.#parts.clock.now().wallMs) };
    return this.#keep({ ...ended, ...(result === undefined ? {} : { result }), ...(err === undefined ? {} : { error: err }) });
  }

  /** A long result came in pieces before. */
  #resultOf(id: string, out: unknown): unknown {
    const blob = (out as { readonly blob?: { readonly sha256?: unknown } | null } | null | undefined)?.blob;
    if (blob === undefined || blob === null) return out;
    const whole = this.#pieces.get(id);
    this.#pieces.delete(id);
    if (whole === undefined || whole.sha256 !== blob.sha256) return out;
    const digest = createHash("sha256").update(whole.bytes).digest("hex");
    if (digest !== whole.sha256) return out;
    try {
      return JSON.parse(new TextDecoder().decode(whole.bytes)) as unknown;
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      return out;
    }
  }

  #takePiece(id: string, part: Piece): void {
    const bytes = Buffer.from(part.data, "base64");
    const known = this.#pieces.get(id);
    if (known === undefined && (part.size > maxPartsBytes || part.size < 0 || this.#pieces.size >= maxTransfers)) return;
    const whole = known ?? { size: part.size, sha256: part.sha256, bytes: new Uint8Array(part.size), received: 0 };
    if (part.off < 0 || part.off + bytes.length > whole.size) return;
    whole.bytes.set(bytes, part.off);
    whole.received += bytes.length;
    this.#pieces.set(id, whole);
  }

  #keep(row: CommandRow): CommandRow {
    const kept = { ...row, version: row.version + 1 };
    this.#parts.store.putCommand(kept);
    if (kept.open) this.#open.set(kept.id, kept);
    else {
      this.#open.delete(kept.id);
      this.#sent.delete(kept.id);
    }
    return kept;
  }
}

interface Piece {
  readonly off: number;
  readonly size: number;
  readonly sha256: string;
  readonly data: string;
}

/** The message's schema leaves it open: a gateway that was taken over sends anything. */
function isPiece(value: unknown): value is Piece {
  if (typeof value !== "object" || value === null) return false;
  const { off, size, sha256: digest, data } = value as Readonly<Record<string, unknown>>;
  return Number.isSafeInteger(off) && Number.isSafeInteger(size) && typeof digest === "string" && typeof data === "string";
}

function messageOf(row: CommandRow, nonce: string): CommandMessage {
  return {
    v: 1,
    id: row.id,
    op: row.op,
    risk: row.risk,
    iss: issuer,
    aud: row.gateway,
    tenant: row.tenant,
    nonce,
    iat: Math.floor(row.issuedMs / 1_000),
    ttl: row.ttl,
    ...(row.dev === undefined ? {} : { dev: row.dev }),
    args: row.args,
    sub: [row.by, ...row.approvals].join("+").slice(0, 128),
  };
}
