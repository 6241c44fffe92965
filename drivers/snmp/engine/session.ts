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
    return this.#explained(() => getAll(this.#conversation, tags.get, oids, signal));
  }

  getNext(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]> {
    return this.#explained(() => getAll(this.#conversation, tags.getNext, oids, signal));
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
      return await this.#explained(async () => {
        await conversation.ready(signal);
        return await new Promise<TableAnswer>((resolve, reject) => {
          new TableRead({ plan: compiled, conversation, deadlineMs, signal, nowMs: conversation.nowMs(), resolve, reject }).start();
        });
      });
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

  set(varbinds: readonly Varbind[], signal: AbortSignal): Promise<readonly Varbind[]> {
    return this.#explained(() => setAll(this.#conversation, varbinds, signal));
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

  async #explained<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    try {
      return await work();
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
