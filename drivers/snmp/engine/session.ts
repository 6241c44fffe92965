import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { SnmpSession, SnmpSessionCounters, TableAnswer, TablePlan, Varbind, WalkLimits } from "#ports/snmp.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import { getAll, setAll } from "./get.ts";
import { CompiledPlan, type PlanParts } from "./table-plan.ts";
import { TableRead } from "./table-read.ts";
import { UsmSecurity } from "./usm-security.ts";
import { Walk } from "./walk.ts";

/** A session of our own engine. */
export class EngineSession implements SnmpSession {
  readonly #conversation: Conversation;
  readonly #parts: PlanParts;
  readonly #onClose: () => void;
  /** Forgotten with the plan object. */
  readonly #plans = new WeakMap<TablePlan, CompiledPlan>();
  #isClosed = false;

  constructor(conversation: Conversation, parts: PlanParts, onClose: () => void) {
    this.#conversation = conversation;
    this.#parts = parts;
    this.#onClose = onClose;
  }

  get(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]> {
    return this.#ask(tags.get, oids, signal);
  }

  getNext(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]> {
    return this.#ask(tags.getNext, oids, signal);
  }

  walk(root: string, limits: WalkLimits, signal: AbortSignal): AsyncIterable<readonly Varbind[]> {
    return this.#walk(root, limits, signal);
  }

  async readTable(plan: TablePlan, deadlineMs: number, signal: AbortSignal): Promise<TableAnswer> {
    this.#assertOpen();
    const compiled = this.#compile(plan);
    if (compiled.reading)
      throw new GatewayError("driver.limit", { message: "this plan is being read already", fields: { table: plan.table } });
    compiled.reading = true;
    const conversation = this.#conversation;
    try {
      if (!conversation.isReady) await conversation.ready(signal);
      signal.throwIfAborted();
      return await new Promise<TableAnswer>((resolve, reject) => {
        new TableRead({ plan: compiled, conversation, deadlineMs, signal, nowMs: conversation.nowMs(), resolve, reject }).start();
      });
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      throw await conversation.explain(error);
    } finally {
      compiled.reading = false;
    }
  }

  release(plan: TablePlan): void {
    this.#plans.get(plan)?.release();
  }

  #compile(plan: TablePlan): CompiledPlan {
    const known = this.#plans.get(plan);
    if (known !== undefined) return known;
    const compiled = new CompiledPlan(plan, this.#parts);
    this.#plans.set(plan, compiled);
    return compiled;
  }

  async set(varbinds: readonly Varbind[], signal: AbortSignal): Promise<readonly Varbind[]> {
    this.#assertOpen();
    try {
      return await setAll(this.#conversation, varbinds, signal);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      throw await this.#conversation.explain(error);
    }
  }

  async *#walk(root: string, limits: WalkLimits, signal: AbortSignal): AsyncGenerator<readonly Varbind[]> {
    this.#assertOpen();
    try {
      yield* new Walk(this.#conversation, root, limits, signal).batches();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      throw await this.#conversation.explain(error);
    }
  }

  async #ask(type: number, oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]> {
    this.#assertOpen();
    try {
      return await getAll(this.#conversation, type, oids, signal);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      throw await this.#conversation.explain(error);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new GatewayError("driver.unreachable", { message: "the SNMP session is closed" });
  }

  counters(): SnmpSessionCounters {
    const { counters, learned } = this.#conversation.peer;
    return {
      ...counters,
      maxRepetitions: learned.bulk ? learned.maxRepetitions : 0,
      maxMessageBytes: learned.largestAnswerBytes,
      roundTripMs: Number.isNaN(learned.roundTripMs) ? 0 : learned.roundTripMs,
    };
  }

  engine(): ReturnType<SnmpSession["engine"]> {
    const { security } = this.#conversation.peer;
    return security instanceof UsmSecurity ? security.engine(this.#conversation.nowMs()) : undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
  }
}
