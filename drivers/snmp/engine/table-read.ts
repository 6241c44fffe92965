import { GatewayError } from "#model/errors.ts";
import { head, pdu } from "./answer.ts";
import { tags } from "./ber.ts";
import type { BlockOwner, BlockRead } from "./block-read.ts";
import { type Spent, spent, spentSoFar } from "./counters.ts";
import { errorStatus } from "./error-status.ts";
import type { PreparedRequest } from "./request.ts";
import { tableAnswer } from "./table-answer.ts";
import { Care } from "./table-care.ts";
import { type CarefulFindings, isSound, readCarefully } from "./table-careful.ts";
import { passSentinel, readPredicted } from "./table-cells.ts";
import { cutBlocks, cutPlan, requestFor } from "./table-cut.ts";
import { cellCount, widthOf } from "./table-layout.ts";
import { notOpened, type OpeningAnswer, readOpening } from "./table-opening.ts";
import type { Block, CompiledPlan } from "./table-plan.ts";
import { fate, Progress } from "./table-progress.ts";
import { quarantineViolated } from "./table-quarantine.ts";
import { beginRead, exactReads, spareRequests, type TableReadParts } from "./table-read-parts.ts";

/**
 * One read of one plan. Sends its blocks, as many at a time as the agent was found to take; when an answer is not the predicted one, waits for those
 * still on their way and cuts what is left anew.
 */
export class TableRead implements BlockOwner {
  readonly #parts: TableReadParts;
  readonly #plan: CompiledPlan;
  readonly #before: Spent;
  #blocks: readonly Block[] = [];
  /** By place of the block; made when first needed. */
  #requests: (PreparedRequest | undefined)[] = [];
  /** Of the next block to be sent. */
  #next = 0;
  /** Requests on their way. */
  #flying = 0;
  readonly #idle: BlockRead[] = [];
  /** Blocks whose answers were the predicted ones. */
  readonly #done: Block[] = [];
  /** From the first surprise on. */
  #progress: Progress | undefined;
  /** Nothing more is sent until what is on its way has come; then the rest is cut anew. */
  #isHalted = false;
  #isStale = false;
  /** Set when the read is to end with what there is, or with this. */
  #ending: GatewayError | undefined;
  #changed = false;
  /** The block that looks for new rows has to be asked for again. */
  #isSentinelDue = false;
  /** What was asked for along with the cells, once it has come. */
  #opening: OpeningAnswer | undefined;
  /** OIDs of columns that this read found to go in circles. */
  readonly #quarantined: string[] = [];
  readonly #care: Care;
  #requestsLeft: number;

  constructor(parts: TableReadParts) {
    this.#parts = parts;
    this.#plan = parts.plan;
    this.#care = new Care(parts.conversation.peer.learned);
    this.#before = spentSoFar(parts.conversation.peer.counters);
    this.#requestsLeft = spareRequests + 2 * parts.plan.cells;
  }

  get signal(): AbortSignal {
    return this.#parts.signal;
  }

  start(): void {
    const plan = this.#plan;
    beginRead(plan, this.#care, this.#parts.nowMs);
    const { peer } = this.#parts.conversation;
    plan.openWith(this.#parts.opening);
    if (plan.cutFor !== peer.learned.revision) cutPlan(plan, peer, this.#care);
    if (this.#parts.opening !== undefined && plan.cut.blocks[0]?.opening === undefined) {
      this.#parts.reject(notOpened());
      return;
    }
    this.#blocks = plan.cut.blocks;
    this.#requests = plan.cut.requests;
    // Not before the cut, which sizes the answers by the values of the last read where they are still here.
    plan.clear();
    this.#proceed(this.#parts.nowMs);
  }

  /** Sends what may be sent; ends the read, or cuts the rest anew, when nothing is on its way any more. */
  #proceed(nowMs: number): void {
    const { conversation, deadlineMs, signal } = this.#parts;
    const window = this.#progress === undefined ? conversation.peer.learned.window : 1;
    while (this.#mayEver(nowMs) && !this.#isHalted && this.#flying < window) {
      const block = this.#blocks[this.#next];
      if (block === undefined) break;
      this.#send(block, this.#next++, nowMs);
    }
    if (this.#flying > 0) return;
    if (this.#ending !== undefined) this.#giveUp(this.#ending, nowMs);
    else if (!this.#mayEver(nowMs)) this.#finish(nowMs, this.#next >= this.#blocks.length && !this.#isHalted);
    else if (!this.#isHalted) this.#finish(nowMs, true);
    else if (this.#isStale) {
      this.#isStale = false;
      conversation.ready(signal).then(() => this.#recut(Math.min(conversation.nowMs(), deadlineMs)), this.#parts.reject);
    } else this.#recut(nowMs);
  }

  #mayEver(nowMs: number): boolean {
    return this.#ending === undefined && nowMs < this.#parts.deadlineMs && this.#requestsLeft > 0;
  }

  #send(block: Block, place: number, nowMs: number): void {
    const { conversation, deadlineMs } = this.#parts;
    const { peer } = conversation;
    this.#requestsLeft -= 1;
    const request = requestFor(this.#plan, peer, block, place, this.#requests);
    const read = this.#idle.pop() ?? this.#plan.blockReads.take(this, peer, block, request);
    read.block = block;
    read.findings = undefined;
    read.exchange.request = request;
    read.exchange.deadlineMs = deadlineMs;
    read.exchange.attemptsMax = this.#care.isProbing ? 1 : 1 + peer.target.retries;
    this.#flying += 1;
    conversation.dispatcher.submit(read.exchange, nowMs);
  }

  /** A poll begins with its opening: who leaves all of that unanswered is asked one small thing by the caller, not all of it again. */
  mayRepeat(): boolean {
    const { conversation, opening } = this.#parts;
    return opening === undefined || conversation.peer.counters.bytesIn > this.#before.bytesIn;
  }

  readBlock(read: BlockRead, bytes: Uint8Array): boolean {
    const { block } = read;
    read.findings = undefined;
    read.errorStatus = pdu.errorStatus;
    read.errorIndex = pdu.errorIndex;
    read.isToRepeat = block.opening !== undefined && pdu.errorStatus !== errorStatus.noError;
    if (pdu.errorStatus !== errorStatus.noError) return !read.isToRepeat || this.#repeat(block, bytes);
    if (block.opening !== undefined) this.#opening = readOpening(block.opening, bytes, this.#parts.conversation);
    const start = block.opening === undefined ? pdu.varbindsStart : (this.#opening?.end ?? -1);
    const from = block.sentinel && start >= 0 ? passSentinel(this.#plan, block, bytes, start) : start;
    const isPredicted =
      this.#progress === undefined && from >= 0 && readPredicted(this.#plan, block, bytes, from, pdu.varbindsEnd) === cellCount(block);
    this.#noteSize();
    read.isToRepeat = block.opening !== undefined && !isPredicted;
    if (read.isToRepeat) return this.#repeat(block, bytes);
    return isPredicted || this.#readCarefully(read, bytes);
  }

  /**
   * All but the opening is asked for again, to be read with care if need be: perhaps the opening is all that the agent minds, or it repeats what is not to
   * be. @returns false where the answer breaks off: nothing of it is kept
   */
  #repeat(block: Block, bytes: Uint8Array): boolean {
    this.#surprised().eraseUnsettled(block);
    this.#isSentinelDue = block.sentinel;
    const isKept = pdu.errorStatus !== errorStatus.noError || isSound(bytes, pdu.varbindsStart, pdu.varbindsEnd);
    if (!isKept) this.#opening = undefined;
    return isKept;
  }

  /** Values grow: an answer that became longer than wanted is cut anew before an agent has to cut it. */
  #noteSize(): void {
    const { learned, security } = this.#parts.conversation.peer;
    if (pdu.varbindsEnd - pdu.varbindsStart + security.overheadBytes > learned.answerBytes) this.#plan.noteGrowth();
  }

  #readCarefully(read: BlockRead, bytes: Uint8Array): boolean {
    const progress = this.#surprised();
    // What the hot path stored of this answer is not believed until it was read with care.
    progress.eraseUnsettled(read.block);
    const findings = readCarefully(this.#plan, read.block, bytes, progress.fates);
    read.findings = findings;
    this.#parts.conversation.peer.counters.oidViolations += findings.oidViolations;
    if (!findings.malformed) this.#quarantined.push(...quarantineViolated(this.#plan, findings, progress, this.#parts.conversation));
    return !findings.malformed && (findings.oidViolations === 0 || findings.resolved > 0);
  }

  #surprised(): Progress {
    this.#isHalted = true;
    this.#progress ??= new Progress(this.#plan, this.#done);
    return this.#progress;
  }

  #land(read: BlockRead): void {
    this.#flying -= 1;
    this.#idle.push(read);
  }

  blockDone(read: BlockRead, nowMs: number): void {
    this.#land(read);
    if (read.isToRepeat) this.#isHalted = true;
    else if (read.errorStatus !== errorStatus.noError) this.#noteError(read);
    else if (read.findings !== undefined) this.#noteSurprise(read.block, read.findings);
    else {
      this.#done.push(read.block);
      if (read.block.type === tags.getBulk) this.#parts.conversation.peer.learned.bulkProven = true;
    }
    this.#proceed(nowMs);
  }

  #noteSurprise(block: Block, findings: CarefulFindings): void {
    const { learned } = this.#parts.conversation.peer;
    if (findings.changed) this.#changed = true;
    if (block.type === tags.getBulk && findings.varbinds > 0) learned.bulkProven = true;
    if (findings.isCut) learned.noteTruncated(pdu.varbindsEnd - head.start);
    if (findings.resolved === 0) this.#beMoreCareful(block);
    else this.#care.noteSuccess();
  }

  #beMoreCareful(block: Block): void {
    const progress = this.#surprised();
    this.#parts.conversation.peer.learned.blameSize();
    if (this.#care.isSingle) progress.markBlock(block, fate.unfit);
    this.#care.noteFailure();
    if (this.#care.isHopeless) this.#ending = new GatewayError("driver.bad-answer", { message: "the agent's answers cannot be used" });
  }

  /** The rest of the read, cut anew from what is not settled yet. */
  #recut(nowMs: number): void {
    this.#plan.cutFor = -1;
    this.#blocks = cutBlocks(this.#plan, this.#surprised().settled(), {
      peer: this.#parts.conversation.peer,
      care: this.#care,
      sentinel: this.#isSentinelDue,
    });
    this.#isSentinelDue = false;
    this.#requests = [];
    this.#next = 0;
    this.#isHalted = false;
    this.#proceed(nowMs);
  }

  #noteError({ block, errorStatus: status, errorIndex }: BlockRead): void {
    const { learned } = this.#parts.conversation.peer;
    const progress = this.#surprised();
    const cells = cellCount(block);
    const isBulk = block.type === tags.getBulk;
    const requested = isBulk ? widthOf(block) : cells;
    if (status === errorStatus.authorizationError || status === errorStatus.noAccess) {
      this.#ending = new GatewayError("driver.refused", { message: "the agent denies access", fields: { errorStatus: status } });
    } else if (status === errorStatus.tooBig && cells > 1) {
      learned.noteTooBig(requested, isBulk ? block.rowTo - block.rowFrom : 1);
    } else if (!isBulk && errorIndex >= 1 && errorIndex <= requested) {
      progress.markCell(block, errorIndex - 1, status === errorStatus.noSuchName ? fate.absent : fate.unfit);
    } else if (isBulk && !learned.bulkProven) this.#care.doubtBulk();
    else this.#beMoreCareful(block);
  }

  blockStale(read: BlockRead): void {
    this.#land(read);
    this.#surprised();
    this.#isStale = true;
    this.#proceed(this.#parts.conversation.nowMs());
  }

  blockFailed(read: BlockRead, error: GatewayError): void {
    const { conversation, deadlineMs, signal } = this.#parts;
    const nowMs = conversation.nowMs();
    this.#land(read);
    if (signal.aborted || nowMs >= deadlineMs) this.#ending ??= error;
    else if (error.code === "driver.bad-answer") this.#beMoreCareful(read.block);
    else if (error.code === "driver.timeout" && !this.mayRepeat()) {
      // An answer that was on trial for its size may be why.
      conversation.peer.learned.blameSize(true);
      this.#ending ??= error;
    } else if (error.code === "driver.timeout" && cellCount(read.block) > 1 && (!this.#care.isProbing || this.#isHalted)) {
      // One small request tells what the silence means. Others that fall silent meanwhile say nothing new.
      this.#surprised();
      conversation.peer.learned.blameSize(true);
      this.#care.noteSilence(cellCount(read.block), read.block.type);
    } else this.#ending ??= error;
    this.#proceed(nowMs);
  }

  /** Hands over what there is, or the error when there is nothing. */
  #giveUp(error: GatewayError, nowMs: number): void {
    if (this.signal.aborted) this.#parts.reject(this.signal.reason);
    else if (this.#plan.hasCells && this.#plan.present.includes(1)) this.#finish(nowMs, false);
    else this.#parts.reject(error);
  }

  #finish(nowMs: number, isComplete: boolean): void {
    const plan = this.#plan;
    const { peer } = this.#parts.conversation;
    const { counters, learned } = peer;
    if (isComplete && this.#progress !== undefined) plan.absent = this.#progress.absent();
    if (this.#progress !== undefined || plan.reads === 1 || plan.isCutBlindly) plan.cutFor = -1;
    if (this.#changed && plan.exactReads === 0) plan.exactReads = exactReads;
    // For the next read, while values and their lengths are here: they may be given back before it. None of this read's troubles counts then.
    if (plan.cutFor !== learned.revision) cutPlan(plan, peer, new Care(learned));
    const unfit = this.#progress?.unfitCount() ?? plan.unfit;
    counters.unfitValues += unfit;
    plan.blockReads.giveBack(this.#idle.splice(0));
    const answer = tableAnswer(plan, spent(counters, this.#before), {
      changed: this.#changed,
      complete: isComplete,
      durationMs: nowMs - this.#parts.nowMs,
      unfit,
      opening: this.#opening,
    });
    this.#parts.resolve(this.#quarantined.length > 0 ? { ...answer, quarantined: this.#quarantined } : answer);
  }
}
