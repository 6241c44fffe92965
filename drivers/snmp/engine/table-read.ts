import { GatewayError } from "#model/errors.ts";
import type { TableAnswer } from "#ports/snmp.ts";
import { pdu } from "./answer.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import { type AnswerReader, Exchange } from "./exchange.ts";
import { type CarefulFindings, type Fates, fate, readCarefully } from "./table-careful.ts";
import { readPredicted } from "./table-cells.ts";
import { type Block, blockSpec, layOut } from "./table-layout.ts";
import type { CompiledPlan } from "./table-plan.ts";
import { readVarbind, varbindSpan } from "./values.ts";

/** Reads for which exact instances are asked after the agent showed rows that are not planned. */
const exactReads = 20;
/** Reads after which cells that the agent lacked are asked for again. */
const holesForgottenAfter = 128;
/** A read that meets trouble makes so many requests at most, per planned cell and in addition to this. */
const minRequestBudget = 64;

const status = { noError: 0, tooBig: 1, noSuchName: 2, genErr: 5, noAccess: 6, authorizationError: 16 } as const;

type Resolve = (answer: TableAnswer) => void;
type Reject = (error: unknown) => void;

/**
 * One read of one plan: sends its blocks one after the other. As long as every answer is the predicted one nothing is remembered but how many
 * blocks are done; from the first surprise on each cell's fate is.
 */
export class TableRead implements AnswerReader {
  readonly signal: AbortSignal;
  readonly #plan: CompiledPlan;
  readonly #conversation: Conversation;
  readonly #resolve: Resolve;
  readonly #reject: Reject;
  readonly #startedAtMs: number;
  readonly #deadlineMs: number;
  readonly #before: { requests: number; retries: number; bytesIn: number; bytesOut: number };
  #exchange: Exchange | undefined;
  #blocks: readonly Block[] = [];
  #next = 0;
  #fates: Fates | undefined;
  #findings: CarefulFindings | undefined;
  #errorStatus = 0;
  #errorIndex = 0;
  #changed = false;
  #unfit = 0;
  /** 0 = as learnt; 1 = GETNEXT (or GET) of a few cells; 2 = GET of single cells. */
  #caution = 0;
  #isPartial = false;
  #requestsLeft: number;

  constructor(parts: {
    plan: CompiledPlan;
    conversation: Conversation;
    deadlineMs: number;
    signal: AbortSignal;
    nowMs: number;
    resolve: Resolve;
    reject: Reject;
  }) {
    this.#plan = parts.plan;
    this.#conversation = parts.conversation;
    this.#deadlineMs = parts.deadlineMs;
    this.#startedAtMs = parts.nowMs;
    this.signal = parts.signal;
    this.#resolve = parts.resolve;
    this.#reject = parts.reject;
    const { requests, retries, bytesIn, bytesOut } = parts.conversation.peer.counters;
    this.#before = { requests, retries, bytesIn, bytesOut };
    this.#requestsLeft = minRequestBudget + 2 * parts.plan.present.length;
  }

  start(): void {
    const plan = this.#plan;
    plan.reads += 1;
    if (plan.exactReads > 0 && --plan.exactReads === 0) plan.cutFor = -1;
    if (plan.reads % holesForgottenAfter === 0 && plan.absent !== undefined) {
      plan.absent = undefined;
      plan.cutFor = -1;
    }
    plan.clear();
    const { learned } = this.#conversation.peer;
    if (plan.cutFor !== learned.revision) {
      plan.blocks = this.#cut(plan.absent);
      plan.cutFor = learned.revision;
    }
    this.#blocks = plan.blocks;
    this.#sendNext(this.#startedAtMs);
  }

  #cut(excluded: Uint8Array | undefined): Block[] {
    const plan = this.#plan;
    const { learned, security } = this.#conversation.peer;
    const isExact = plan.exactReads > 0 || plan.rows.count <= 1 || this.#caution > 1;
    const type = isExact ? tags.get : learned.bulk && this.#caution === 0 ? tags.getBulk : tags.getNext;
    const maxCells = [1024, 8, 1][this.#caution] ?? 1;
    return layOut(plan, excluded, { learned, overheadBytes: security.overheadBytes, type, maxCells, sentinel: this.#fates === undefined });
  }

  #sendNext(nowMs: number): void {
    const block = this.#blocks[this.#next];
    if (block === undefined) {
      this.#finish(nowMs, true);
      return;
    }
    const { peer, dispatcher } = this.#conversation;
    if (nowMs >= this.#deadlineMs || this.#requestsLeft <= 0) {
      this.#finish(nowMs, false);
      return;
    }
    this.#requestsLeft -= 1;
    if (block.request === undefined || block.request.revision !== peer.security.revision) {
      block.request = peer.security.prepare(blockSpec(this.#plan, block));
    }
    const exchange = this.#exchange ?? new Exchange(peer, this, block.request);
    this.#exchange = exchange;
    exchange.request = block.request;
    exchange.deadlineMs = this.#deadlineMs;
    exchange.attemptsMax = 1 + peer.target.retries;
    dispatcher.submit(exchange, nowMs);
  }

  read(bytes: Uint8Array): boolean {
    const block = this.#blocks[this.#next];
    if (block === undefined) return false;
    this.#findings = undefined;
    this.#errorStatus = pdu.errorStatus;
    this.#errorIndex = pdu.errorIndex;
    if (pdu.errorStatus !== status.noError) return true;
    let from = pdu.varbindsStart;
    const cells = block.columns.length * block.rows.length;
    if (block.sentinel) from = this.#passSentinel(block, bytes, from);
    if (this.#fates === undefined && from >= 0 && readPredicted(this.#plan, block, bytes, from, pdu.varbindsEnd) === cells) return true;
    return this.#readCarefully(block, bytes);
  }

  /** Where the cells begin behind a sentinel that found nothing new; -1 when it needs a closer look. */
  #passSentinel(block: Block, bytes: Uint8Array, from: number): number {
    const { starts, bytes: prefixes } = this.#plan.columns;
    const column = block.columns[0] ?? 0;
    if (!readVarbind(bytes, from, pdu.varbindsEnd)) return -1;
    const { nameStart, tag, end } = varbindSpan;
    if (tag === tags.endOfMibView) return end;
    const start = starts[column] ?? 0;
    for (let offset = start; offset < (starts[column + 1] ?? 0); offset++)
      if (bytes[nameStart + offset - start] !== prefixes[offset]) return end;
    return -1;
  }

  #readCarefully(block: Block, bytes: Uint8Array): boolean {
    const fates = this.#fates ?? this.#fatesSoFar();
    // What the hot path stored of this answer is not believed until it was read carefully.
    this.#eraseUnsettled(block, fates);
    const findings = readCarefully(this.#plan, block, bytes, fates);
    this.#fates = fates;
    this.#findings = findings;
    const { counters } = this.#conversation.peer;
    counters.oidViolations += findings.oidViolations;
    return !findings.malformed && (findings.oidViolations === 0 || findings.resolved > 0);
  }

  #eraseUnsettled(block: Block, fates: Fates): void {
    const { present, rows } = this.#plan;
    for (const column of block.columns) {
      for (const row of block.rows) if (fates[column * rows.count + row] === fate.unknown) present[column * rows.count + row] = 0;
    }
  }

  #fatesSoFar(): Fates {
    const { rows, present, absent } = this.#plan;
    const fates = new Uint8Array(present.length);
    if (absent !== undefined) for (const [cell, isAbsent] of absent.entries()) if (isAbsent === 1) fates[cell] = fate.absent;
    for (const block of this.#blocks.slice(0, this.#next)) {
      for (const column of block.columns) for (const row of block.rows) fates[column * rows.count + row] = fate.value;
    }
    return fates;
  }

  done(nowMs: number): void {
    const block = this.#blocks[this.#next];
    if (block === undefined) return;
    if (this.#errorStatus !== status.noError) this.#afterError(block, nowMs);
    else if (this.#findings !== undefined) this.#afterSurprise(block, this.#findings, nowMs);
    else {
      if (block.type === tags.getBulk) this.#conversation.peer.learned.bulkProven = true;
      this.#next += 1;
      this.#sendNext(nowMs);
    }
  }

  #afterSurprise(block: Block, findings: CarefulFindings, nowMs: number): void {
    const { learned } = this.#conversation.peer;
    if (findings.changed) this.#changed = true;
    this.#unfit += findings.unfit;
    if (block.type === tags.getBulk && findings.varbinds > 0) learned.bulkProven = true;
    const asked = block.columns.length * block.rows.length + (block.sentinel ? 1 : 0);
    if (findings.varbinds < asked && findings.varbinds > 0) learned.noteTruncated(pdu.varbindsEnd);
    if (findings.resolved === 0) this.#beMoreCautious(block);
    this.#recut(nowMs);
  }

  #beMoreCautious(block: Block): void {
    this.#isPartial = true;
    if (this.#caution < 2) {
      this.#caution += 1;
      return;
    }
    this.#markBlock(block, fate.unfit);
  }

  /** The rest of the read, cut anew from what is not settled yet. */
  #recut(nowMs: number): void {
    const fates = this.#fates ?? this.#fatesSoFar();
    this.#fates = fates;
    const excluded = fates.map((cell) => (cell === fate.unknown ? 0 : 1));
    this.#blocks = this.#cut(excluded);
    this.#next = 0;
    this.#plan.cutFor = -1;
    this.#sendNext(nowMs);
  }

  #markBlock(block: Block, what: number): void {
    const fates = this.#fates ?? this.#fatesSoFar();
    this.#fates = fates;
    for (const column of block.columns) for (const row of block.rows) fates[column * this.#plan.rows.count + row] = what;
    if (what === fate.unfit) this.#unfit += block.columns.length * block.rows.length;
  }

  #afterError(block: Block, nowMs: number): void {
    const { learned } = this.#conversation.peer;
    const requested = block.type === tags.getBulk ? block.columns.length : block.columns.length * block.rows.length;
    const isSingle = block.columns.length * block.rows.length === 1;
    if (this.#errorStatus === status.authorizationError || this.#errorStatus === status.noAccess) {
      this.failed(new GatewayError("driver.refused", { message: "the agent denies access", fields: { errorStatus: this.#errorStatus } }));
      return;
    }
    if (this.#errorStatus === status.tooBig && !isSingle) {
      if (block.type === tags.getBulk && block.rows.length > 1 && requested === 1) learned.shrink(1, block.rows.length);
      else learned.shrinkRequest(requested);
    } else if (block.type !== tags.getBulk && this.#errorIndex >= 1 && this.#errorIndex <= requested) {
      this.#markCell(block, this.#errorIndex - 1, this.#errorStatus === status.noSuchName ? fate.absent : fate.unfit);
    } else if (block.type === tags.getBulk && this.#errorStatus !== status.tooBig && !learned.bulkProven) learned.giveUpBulk();
    else this.#beMoreCautious(block);
    this.#recut(nowMs);
  }

  #markCell(block: Block, position: number, what: number): void {
    const fates = this.#fates ?? this.#fatesSoFar();
    this.#fates = fates;
    const column = block.columns[position % block.columns.length] ?? 0;
    const row = block.rows[Math.floor(position / block.columns.length)] ?? 0;
    fates[column * this.#plan.rows.count + row] = what;
    if (what === fate.unfit) this.#unfit += 1;
  }

  stale(): void {
    this.#conversation.ready(this.signal).then(
      () => this.#sendNext(this.#conversation.nowMs()),
      (error: unknown) => this.#reject(error),
    );
  }

  failed(error: GatewayError): void {
    const { learned } = this.#conversation.peer;
    const block = this.#blocks[this.#next];
    const nowMs = this.#conversation.nowMs();
    if (this.signal.aborted) {
      this.#reject(this.signal.reason);
      return;
    }
    if (block !== undefined && nowMs < this.#deadlineMs) {
      if (error.code === "driver.timeout" && block.type === tags.getBulk && !learned.bulkProven && this.#caution === 0) {
        // Some agents say nothing at all to a GETBULK.
        this.#caution = 1;
        this.#recut(nowMs);
        return;
      }
      if (error.code === "driver.bad-answer") {
        this.#beMoreCautious(block);
        this.#recut(nowMs);
        return;
      }
    }
    if (this.#hasValues()) this.#finish(nowMs, false);
    else this.#reject(error);
  }

  #hasValues(): boolean {
    return this.#plan.present.includes(1);
  }

  #finish(nowMs: number, isComplete: boolean): void {
    const plan = this.#plan;
    if (isComplete && this.#fates !== undefined) this.#learnHoles(this.#fates);
    // Now the lengths of the values are known.
    if (plan.reads === 1) plan.cutFor = -1;
    if (this.#changed && plan.exactReads === 0) plan.exactReads = exactReads;
    if (this.#changed) plan.cutFor = -1;
    const { counters } = this.#conversation.peer;
    counters.unfitValues += this.#unfit;
    this.#resolve({
      columns: plan.answer,
      vanished: isComplete && (this.#fates !== undefined || plan.absent !== undefined) ? this.#countVanished() : 0,
      changed: this.#changed,
      requests: counters.requests - this.#before.requests,
      retries: counters.retries - this.#before.retries,
      bytesIn: counters.bytesIn - this.#before.bytesIn,
      bytesOut: counters.bytesOut - this.#before.bytesOut,
      durationMs: nowMs - this.#startedAtMs,
      complete: isComplete,
      unfit: this.#unfit,
    });
  }

  #learnHoles(fates: Fates): void {
    const { learned } = this.#conversation.peer;
    if (this.#isPartial && this.#caution === 1 && learned.bulk && !learned.bulkProven) learned.giveUpBulk();
    this.#plan.absent = fates.includes(fate.absent) ? fates.map((cell) => (cell === fate.absent ? 1 : 0)) : undefined;
    this.#plan.cutFor = -1;
  }

  #countVanished(): number {
    let vanished = 0;
    for (let row = 0; row < this.#plan.rows.count; row++) if (this.#plan.answer.every((column) => column.present[row] === 0)) vanished++;
    return vanished;
  }
}
