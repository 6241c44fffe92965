import { GatewayError } from "#model/errors.ts";
import type { WalkedCell, WalkedPart, WalkRoot, WalkTogetherLimits } from "#ports/snmp.ts";
import { pdu } from "./answer.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import { errorStatus } from "./error-status.ts";
import { getAll } from "./get.ts";
import { compareOids, dottedIndex, encodeOid, hasPrefix } from "./oid.ts";
import { nullVarbind } from "./request.ts";
import { decodeValue, readVarbind, varbindSpan } from "./values.ts";
import { limitReached, Walk } from "./walk.ts";

/** Values asked for with the first request: of ten roots four rows each, most of which are not there on most agents. */
const firstCells = 40;
const { noError, tooBig, noSuchName } = errorStatus;
/** Any agent says something to a GETNEXT of this. */
const aliveOids = ["1.3.6.1.2.1.1"];

/** One root and how far it was walked. */
interface Strand {
  readonly place: number;
  readonly root: WalkRoot;
  readonly prefix: Uint8Array;
  last: Uint8Array;
  rows: number;
}

/** What one answer said of a strand. */
interface Said {
  readonly strand: Strand;
  readonly cells: WalkedCell[];
  last: Uint8Array;
  isEnd: boolean;
}

/** `trouble`: nothing of the answer is believed; who goes on alone asks for it again and finds out what is wrong, and with which root. */
type StepEnd = "go-on" | "trouble" | GatewayError;

/**
 * Several roots at once: each request asks for the next rows of all that have not ended. Each is followed by its own cursor, so holes and columns
 * of different lengths do no harm. Whatever the agent does not bear is left to walks of one root after the other, which know how to deal with it.
 */
export class WalkTogether {
  readonly #conversation: Conversation;
  readonly #limits: WalkTogetherLimits;
  readonly #signal: AbortSignal;
  #open: readonly Strand[];
  #repetitions: number;
  #requests = 0;

  constructor(conversation: Conversation, roots: readonly WalkRoot[], limits: WalkTogetherLimits, signal: AbortSignal) {
    this.#conversation = conversation;
    this.#limits = limits;
    this.#signal = signal;
    this.#open = roots.map((root, place) => {
      const prefix = encodeOid(root.oid);
      return { place, root, prefix, last: prefix, rows: 0 };
    });
    this.#repetitions = Math.max(1, Math.floor(firstCells / roots.length));
  }

  async *parts(): AsyncGenerator<readonly WalkedPart[]> {
    await this.#conversation.ready(this.#signal);
    let end: StepEnd = "go-on";
    while (end === "go-on" && this.#open.length > 0) {
      const ended = this.#reached();
      if (ended.length > 0) yield ended;
      if (this.#open.length === 0) return;
      const step = await this.#step();
      end = step.end;
      if (step.parts.length > 0) yield step.parts;
    }
    if (end instanceof GatewayError) {
      const failure = await this.#conversation.explain(end);
      yield this.#open.map((strand) => ({ root: strand.place, cells: [], failure: this.#failureOf(strand, failure) }));
      return;
    }
    for (const strand of this.#open) yield* this.#alone(strand);
  }

  /** Those that may not go on, with what ended them. */
  #reached(): readonly WalkedPart[] {
    const { maxRequests, deadlineMs } = this.#limits;
    const isLate = this.#conversation.nowMs() >= deadlineMs;
    const isOver = isLate || this.#requests >= maxRequests;
    const ended = isOver ? this.#open : this.#open.filter(({ rows, root }) => rows >= root.maxRows);
    if (ended.length === 0) return [];
    this.#open = this.#open.filter((strand) => !ended.includes(strand));
    return ended.map(({ place, root, rows }): WalkedPart => {
      const failure =
        rows >= root.maxRows
          ? limitReached("maxRows", root.maxRows)
          : isLate
            ? limitReached("deadlineMs", deadlineMs)
            : limitReached("maxRequests", maxRequests);
      return { root: place, cells: [], failure };
    });
  }

  async #step(): Promise<{ parts: readonly WalkedPart[]; end: StepEnd }> {
    const { security, learned } = this.#conversation.peer;
    const asked = this.#open.slice(0, learned.maxRequestVarbinds);
    const isBulk = learned.bulk;
    const rowsLeft = Math.max(...asked.map(({ root, rows }) => root.maxRows - rows + 1));
    const most = Math.floor(Math.min(learned.maxCells, learned.maxRepetitions) / asked.length);
    const repetitions = isBulk ? Math.max(1, Math.min(this.#repetitions, most, rowsLeft)) : 0;
    const varbinds = asked.map(({ last }) => nullVarbind(last));
    const spec = { type: isBulk ? tags.getBulk : tags.getNext, nonRepeaters: 0, maxRepetitions: repetitions, varbinds };
    const reply: { status: number; index: number; said: readonly Said[] | undefined; cellBytes: number } = {
      ...{ status: noError, index: 0, said: undefined, cellBytes: 1 },
    };
    this.#requests += 1;
    try {
      await this.#conversation.ask({
        prepare: () => security.prepare(spec),
        read: (bytes) => {
          reply.status = pdu.errorStatus;
          reply.index = pdu.errorIndex;
          if (reply.status !== noError) return true;
          const read = this.#read(bytes, asked);
          if (read === undefined) return false;
          reply.said = read.said;
          reply.cellBytes = (pdu.varbindsEnd - pdu.varbindsStart) / Math.max(1, read.count);
          return true;
        },
        signal: this.#signal,
        deadlineMs: this.#limits.deadlineMs,
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { parts: [], end: await this.#afterFailure(error, asked.length * Math.max(1, repetitions)) };
    }
    if (reply.status !== noError) return { parts: [], end: this.#afterError(reply, asked) };
    if (reply.said === undefined) return { parts: [], end: "trouble" };
    if (isBulk) learned.bulkProven = true;
    const parts = this.#taken(reply.said);
    const fits = Math.floor((learned.walkBytes - security.overheadBytes) / reply.cellBytes / Math.max(1, this.#open.length));
    this.#repetitions = Math.max(1, Math.min(fits, 2 * this.#repetitions));
    return { parts, end: "go-on" };
  }

  /** @returns undefined: malformed; without `said`: well-formed, but not what was asked for */
  #read(bytes: Uint8Array, asked: readonly Strand[]): { said: readonly Said[] | undefined; count: number } | undefined {
    const said = asked.map((strand): Said => ({ strand, cells: [], last: strand.last, isEnd: false }));
    let at = pdu.varbindsStart;
    let count = 0;
    let isGood = true;
    for (; at < pdu.varbindsEnd; count++) {
      if (!readVarbind(bytes, at, pdu.varbindsEnd)) return undefined;
      at = varbindSpan.end;
      const one = said[count % said.length];
      // Behind the end only the form matters.
      if (one === undefined || one.isEnd || !isGood) continue;
      isGood = this.#note(bytes, one);
    }
    // Copies, before anything else happens: what a datagram lies in is used for the next one.
    for (const one of said) if (one.last !== one.strand.last) one.last = new Uint8Array(one.last);
    // Fewer than one of each: some would never come to their turn.
    return { said: isGood && count >= asked.length ? said : undefined, count };
  }

  /** @returns false: the agent's OIDs do not increase, or it does not answer by columns */
  #note(bytes: Uint8Array, said: Said): boolean {
    const { nameStart, nameEnd, tag, valueStart, valueEnd } = varbindSpan;
    const { prefix } = said.strand;
    if (tag === tags.endOfMibView || tag === tags.noSuchObject || tag === tags.noSuchInstance) {
      said.isEnd = true;
      return true;
    }
    if (compareOids(bytes, nameStart, nameEnd, said.last) <= 0) return false;
    if (nameEnd - nameStart <= prefix.length || !hasPrefix(bytes, nameStart, nameEnd, prefix)) {
      said.isEnd = true;
      return true;
    }
    said.last = bytes.subarray(nameStart, nameEnd);
    const { value, fit } = decodeValue(bytes, tag, valueStart, valueEnd);
    if (!fit) this.#conversation.peer.counters.unfitValues += 1;
    said.cells.push({ index: dottedIndex(bytes, nameStart + prefix.length, nameEnd), value });
    return true;
  }

  #taken(said: readonly Said[]): readonly WalkedPart[] {
    const parts: WalkedPart[] = [];
    const ended = new Set<Strand>();
    for (const { strand, cells, last, isEnd } of said) {
      const room = strand.root.maxRows - strand.rows;
      strand.rows += cells.length;
      strand.last = last;
      if (isEnd || cells.length > room) ended.add(strand);
      if (cells.length > room) {
        parts.push({ root: strand.place, cells: cells.slice(0, room), failure: limitReached("maxRows", strand.root.maxRows) });
      } else if (cells.length > 0) parts.push({ root: strand.place, cells });
    }
    if (ended.size > 0) this.#open = this.#open.filter((strand) => !ended.has(strand));
    return parts;
  }

  #afterError({ status, index }: { status: number; index: number }, asked: readonly Strand[]): StepEnd {
    const { learned } = this.#conversation.peer;
    const culprit = asked[index - 1];
    // v1 has no other word for the end.
    if (status === noSuchName && culprit !== undefined) {
      this.#open = this.#open.filter((strand) => strand !== culprit);
      return "go-on";
    }
    if (status !== tooBig || asked.length === 1) return "trouble";
    // Of rows that do not fit an agent sends fewer; who says so has no room for so many names.
    learned.shrinkRequest(asked.length);
    this.#repetitions = Math.max(1, this.#repetitions >> 1);
    return "go-on";
  }

  /** Silence: of the agent, or only in answer to this? One question that costs it nothing tells. */
  async #afterFailure(error: GatewayError, cells: number): Promise<StepEnd> {
    const { learned } = this.#conversation.peer;
    if (error.code === "driver.bad-answer") return "trouble";
    if (error.code !== "driver.timeout" || this.#conversation.nowMs() >= this.#limits.deadlineMs) return error;
    try {
      await getAll(this.#conversation, tags.getNext, aliveOids, this.#signal);
    } catch (silence) {
      if (!(silence instanceof GatewayError)) throw silence;
      if (silence.code === "driver.timeout") return error;
    }
    if (learned.bulkProven && cells > this.#open.length) learned.noteSlow(cells);
    return "trouble";
  }

  #failureOf({ rows }: Strand, failure: GatewayError): GatewayError {
    const isLate = rows > 0 && this.#conversation.nowMs() >= this.#limits.deadlineMs;
    return isLate ? limitReached("deadlineMs", this.#limits.deadlineMs) : failure;
  }

  async *#alone(strand: Strand): AsyncGenerator<readonly WalkedPart[]> {
    const { root, place: at, last, rows } = strand;
    const limits = { ...this.#limits, maxRows: root.maxRows };
    try {
      for await (const batch of new Walk(this.#conversation, root.oid, limits, this.#signal, { last, rows }).batches())
        yield [{ root: at, cells: batch.map(({ oid, value }) => ({ index: oid.slice(root.oid.length + 1), value })) }];
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      yield [{ root: at, cells: [], failure: await this.#conversation.explain(error) }];
    }
  }
}
