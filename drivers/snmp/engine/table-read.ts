import { GatewayError } from "#model/errors.ts";
import type { TableAnswer } from "#ports/snmp.ts";
import { pdu } from "./answer.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import { errorStatus } from "./error-status.ts";
import { type AnswerReader, Exchange } from "./exchange.ts";
import { compacted } from "./request.ts";
import { type CarefulFindings, readCarefully } from "./table-careful.ts";
import { passSentinel, readPredicted } from "./table-cells.ts";
import { blockSpec, cellCount, layOut, widthOf } from "./table-layout.ts";
import type { Block, CompiledPlan } from "./table-plan.ts";
import { fate, Progress } from "./table-progress.ts";

/** Reads for which exact instances are asked after the agent showed rows that are not planned. */
const exactReads = 20;
/** Reads after which cells that the agent lacked are asked for again; GETBULK notices them by itself when they come back. */
const holesForgottenAfter = { bulk: 128, exact: 10 } as const;
/** A read that meets trouble makes so many requests at most, besides two a cell. */
const spareRequests = 64;
/** Requests that came to nothing one after the other, after which a read is given up. */
const maxFailuresInRow = 8;
/** Values asked for at once after trouble. */
const fewCells = 8;

interface TableReadParts {
  readonly plan: CompiledPlan;
  readonly conversation: Conversation;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly nowMs: number;
  readonly resolve: (answer: TableAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** One read of one plan: sends its blocks one after the other, and cuts what is left anew when an answer is not the predicted one. */
export class TableRead implements AnswerReader {
  readonly #parts: TableReadParts;
  readonly #plan: CompiledPlan;
  readonly #before: { requests: number; retries: number; bytesIn: number; bytesOut: number };
  #exchange: Exchange | undefined;
  #blocks: readonly Block[] = [];
  #next = 0;
  /** From the first surprise on. */
  #progress: Progress | undefined;
  #findings: CarefulFindings | undefined;
  #errorStatus = 0;
  #errorIndex = 0;
  #changed = false;
  /** How the rest of this read is asked for: as learnt; few values at once; single values by GET. */
  #care: "none" | "few" | "single" = "none";
  /** GETBULK was met with silence or an error and is not known to work: GETNEXT is tried. */
  #isBulkDoubted = false;
  /** > 0: so many cells at once met with silence; a small request is on its way to tell slow from dead. */
  #doubtedCells = 0;
  #failuresInRow = 0;
  #requestsLeft: number;

  constructor(parts: TableReadParts) {
    this.#parts = parts;
    this.#plan = parts.plan;
    const { requests, retries, bytesIn, bytesOut } = parts.conversation.peer.counters;
    this.#before = { requests, retries, bytesIn, bytesOut };
    this.#requestsLeft = spareRequests + 2 * parts.plan.present.length;
  }

  get signal(): AbortSignal {
    return this.#parts.signal;
  }

  start(): void {
    const plan = this.#plan;
    plan.reads += 1;
    if (plan.exactReads > 0 && --plan.exactReads === 0) plan.cutFor = -1;
    const forgottenAfter = this.#type() === tags.getBulk ? holesForgottenAfter.bulk : holesForgottenAfter.exact;
    if (plan.absent !== undefined && plan.reads % forgottenAfter === 0) {
      plan.absent = undefined;
      plan.cutFor = -1;
    }
    const { learned } = this.#parts.conversation.peer;
    if (plan.cutFor !== learned.revision) {
      plan.blocks = this.#cut(plan.absent);
      plan.cutFor = learned.revision;
    }
    this.#blocks = plan.blocks;
    // Not before the cut, which sizes the answers by the values of the last read.
    plan.clear();
    this.#sendNext(this.#parts.nowMs);
  }

  #type(): number {
    const { exactReads: exact, rows } = this.#plan;
    if (exact > 0 || rows.count <= 1 || this.#care === "single") return tags.get;
    return this.#parts.conversation.peer.learned.bulk && !this.#isBulkDoubted ? tags.getBulk : tags.getNext;
  }

  #cut(excluded: Uint8Array | undefined): readonly Block[] {
    const { learned, security } = this.#parts.conversation.peer;
    const { overheadBytes } = security;
    const maxCells = this.#care === "none" ? learned.maxCells : this.#care === "few" ? Math.min(fewCells, learned.maxCells) : 1;
    return layOut(this.#plan, excluded, { learned, overheadBytes, type: this.#type(), maxCells, sentinel: this.#progress === undefined });
  }

  #sendNext(nowMs: number): void {
    const block = this.#blocks[this.#next];
    const { conversation, deadlineMs } = this.#parts;
    if (block === undefined || nowMs >= deadlineMs || this.#requestsLeft <= 0) {
      this.#finish(nowMs, block === undefined);
      return;
    }
    this.#requestsLeft -= 1;
    const { peer } = conversation;
    if (block.request === undefined || block.request.revision !== peer.security.revision) {
      block.request = compacted(peer.security.prepare(blockSpec(this.#plan, block)));
    }
    const exchange = this.#exchange ?? new Exchange(peer, this, block.request);
    this.#exchange = exchange;
    exchange.request = block.request;
    exchange.deadlineMs = deadlineMs;
    exchange.attemptsMax = this.#doubtedCells > 0 ? 1 : 1 + peer.target.retries;
    conversation.dispatcher.submit(exchange, nowMs);
  }

  read(bytes: Uint8Array): boolean {
    const block = this.#blocks[this.#next];
    if (block === undefined) return false;
    this.#findings = undefined;
    this.#errorStatus = pdu.errorStatus;
    this.#errorIndex = pdu.errorIndex;
    if (pdu.errorStatus !== errorStatus.noError) return true;
    const from = block.sentinel ? passSentinel(this.#plan, block, bytes) : pdu.varbindsStart;
    const cells = cellCount(block);
    const isPredicted =
      this.#progress === undefined && from >= 0 && readPredicted(this.#plan, block, bytes, from, pdu.varbindsEnd) === cells;
    this.#noteSize();
    return isPredicted || this.#readCarefully(block, bytes);
  }

  /** Values grow: an answer that became longer than wanted is cut anew before an agent has to cut it. */
  #noteSize(): void {
    const { learned, security } = this.#parts.conversation.peer;
    if (pdu.varbindsEnd - pdu.varbindsStart + security.overheadBytes > learned.answerBytes) this.#plan.cutFor = -1;
  }

  #readCarefully(block: Block, bytes: Uint8Array): boolean {
    const progress = this.#surprised();
    // What the hot path stored of this answer is not believed until it was read with care.
    progress.eraseUnsettled(block);
    const findings = readCarefully(this.#plan, block, bytes, progress.fates);
    this.#findings = findings;
    this.#parts.conversation.peer.counters.oidViolations += findings.oidViolations;
    return !findings.malformed && (findings.oidViolations === 0 || findings.resolved > 0);
  }

  #surprised(): Progress {
    this.#progress ??= new Progress(this.#plan, this.#blocks.slice(0, this.#next));
    return this.#progress;
  }

  done(nowMs: number): void {
    const block = this.#blocks[this.#next];
    if (block === undefined) return;
    if (this.#errorStatus !== errorStatus.noError) this.#afterError(block, nowMs);
    else if (this.#findings !== undefined) this.#afterSurprise(block, this.#findings, nowMs);
    else {
      if (block.type === tags.getBulk) this.#parts.conversation.peer.learned.bulkProven = true;
      this.#next += 1;
      this.#sendNext(nowMs);
    }
  }

  #afterSurprise(block: Block, findings: CarefulFindings, nowMs: number): void {
    const { learned } = this.#parts.conversation.peer;
    if (findings.changed) this.#changed = true;
    if (block.type === tags.getBulk && findings.varbinds > 0) learned.bulkProven = true;
    if (findings.isCut) learned.noteTruncated(pdu.varbindsEnd);
    if (findings.resolved === 0) this.#beMoreCareful(block);
    else {
      this.#failuresInRow = 0;
      if (this.#isBulkDoubted && learned.bulk && !learned.bulkProven) learned.giveUpBulk();
      else if (this.#doubtedCells > 0) learned.noteSlow(this.#doubtedCells);
      this.#doubtedCells = 0;
    }
    this.#recut(nowMs);
  }

  #beMoreCareful(block: Block): void {
    this.#failuresInRow += 1;
    if (this.#care === "single") this.#surprised().markBlock(block, fate.unfit);
    else this.#care = this.#care === "none" ? "few" : "single";
  }

  /** The rest of the read, cut anew from what is not settled yet. */
  #recut(nowMs: number): void {
    this.#plan.cutFor = -1;
    if (this.#failuresInRow > maxFailuresInRow) {
      this.#giveUp(new GatewayError("driver.bad-answer", { message: "the agent's answers cannot be used" }), nowMs);
      return;
    }
    this.#blocks = this.#cut(this.#surprised().settled());
    this.#next = 0;
    this.#sendNext(nowMs);
  }

  #afterError(block: Block, nowMs: number): void {
    const { learned } = this.#parts.conversation.peer;
    const cells = cellCount(block);
    const isBulk = block.type === tags.getBulk;
    const requested = isBulk ? widthOf(block) : cells;
    const status = this.#errorStatus;
    if (status === errorStatus.authorizationError || status === errorStatus.noAccess) {
      this.#giveUp(new GatewayError("driver.refused", { message: "the agent denies access", fields: { errorStatus: status } }), nowMs);
      return;
    }
    if (status === errorStatus.tooBig && cells > 1) {
      if (isBulk && requested === 1) learned.shrinkRepetitions(block.rowTo - block.rowFrom);
      else learned.shrinkRequest(requested);
    } else if (!isBulk && this.#errorIndex >= 1 && this.#errorIndex <= requested) {
      this.#surprised().markCell(block, this.#errorIndex - 1, status === errorStatus.noSuchName ? fate.absent : fate.unfit);
    } else if (isBulk && !learned.bulkProven) this.#isBulkDoubted = true;
    else this.#beMoreCareful(block);
    this.#recut(nowMs);
  }

  stale(): void {
    const { conversation, signal, reject } = this.#parts;
    conversation.ready(signal).then(() => this.#sendNext(conversation.nowMs()), reject);
  }

  failed(error: GatewayError): void {
    const { conversation, deadlineMs, signal, reject } = this.#parts;
    const { learned } = conversation.peer;
    const block = this.#blocks[this.#next];
    const cells = block === undefined ? 0 : cellCount(block);
    const nowMs = conversation.nowMs();
    if (signal.aborted) reject(signal.reason);
    else if (block === undefined || nowMs >= deadlineMs) this.#giveUp(error, nowMs);
    else if (error.code === "driver.bad-answer") {
      this.#beMoreCareful(block);
      this.#recut(nowMs);
    } else if (error.code === "driver.timeout" && this.#doubtedCells === 0 && cells > 1) {
      // Alive but slow, or deaf to GETBULK, or dead: one small request tells.
      this.#doubtedCells = cells;
      this.#isBulkDoubted = block.type === tags.getBulk && !learned.bulkProven;
      this.#care = "few";
      this.#recut(nowMs);
    } else this.#giveUp(error, nowMs);
  }

  /** Hands over what there is, or the error when there is nothing. */
  #giveUp(error: GatewayError, nowMs: number): void {
    if (this.#plan.present.includes(1)) this.#finish(nowMs, false);
    else this.#parts.reject(error);
  }

  #finish(nowMs: number, isComplete: boolean): void {
    const plan = this.#plan;
    const progress = this.#progress;
    const { counters } = this.#parts.conversation.peer;
    const unfit = progress === undefined ? plan.unfit : progress.unfitCount();
    counters.unfitValues += unfit;
    if (isComplete && progress !== undefined) plan.absent = progress.absent();
    // Now the lengths of the values are known.
    if (progress !== undefined || plan.reads === 1) plan.cutFor = -1;
    if (this.#changed && plan.exactReads === 0) plan.exactReads = exactReads;
    this.#parts.resolve({
      columns: plan.answer,
      vanished: isComplete && plan.absent !== undefined ? plan.countVanished() : 0,
      changed: this.#changed,
      requests: counters.requests - this.#before.requests,
      retries: counters.retries - this.#before.retries,
      bytesIn: counters.bytesIn - this.#before.bytesIn,
      bytesOut: counters.bytesOut - this.#before.bytesOut,
      durationMs: nowMs - this.#parts.nowMs,
      complete: isComplete,
      unfit,
    });
  }
}
