import { GatewayError, isGatewayError } from "#model/errors.ts";
import type {
  SnmpSession,
  SnmpSessionCounters,
  TableAnswer,
  TablePlan,
  Varbind,
  WalkedPart,
  WalkLimits,
  WalkRoot,
  WalkTogetherLimits,
} from "#ports/snmp.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import { getAll, setAll } from "./get.ts";
import { openingOf } from "./table-opening.ts";
import { CompiledPlan, type PlanParts } from "./table-plan.ts";
import { TableRead } from "./table-read.ts";
import { UsmSecurity } from "./usm-security.ts";
import { Walk } from "./walk.ts";
import { WalkTogether } from "./walk-together.ts";

/** More than one equipment's tables need, read in as many groups as there can be. */
const maxPlans = 320;
const noPlans: readonly CompiledPlan[] = Object.freeze([]);

/** Whose sessions they are. */
export interface SessionOwner {
  readonly parts: PlanParts;
  ended(session: EngineSession, conversation: Conversation): void;
}

/** A session of our own engine. */
export class EngineSession implements SnmpSession {
  readonly #conversation: Conversation;
  readonly #owner: SessionOwner;
  /**
   * Of the plans that it reads; the oldest go first. A short list is looked through faster than a map of weak references, which would be as large for
   * each session as half of what is in it, and which the collector looks through with each round.
   */
  #plans = noPlans;
  #isClosed = false;

  constructor(conversation: Conversation, owner: SessionOwner) {
    this.#conversation = conversation;
    this.#owner = owner;
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

  async *walkTogether(roots: readonly WalkRoot[], limits: WalkTogetherLimits, signal: AbortSignal): AsyncGenerator<readonly WalkedPart[]> {
    this.#assertOpen();
    yield* new WalkTogether(this.#conversation, roots, limits, signal).parts();
  }

  async readTable(plan: TablePlan, deadlineMs: number, signal: AbortSignal, opening?: readonly string[]): Promise<TableAnswer> {
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
        const nowMs = conversation.nowMs();
        const asked = opening === undefined ? undefined : openingOf(opening);
        new TableRead({ plan: compiled, conversation, deadlineMs, signal, nowMs, opening: asked, resolve, reject }).start();
      });
    } catch (error) {
      // After an opening the caller asks for less: that silence is to be explained, should it be one.
      if (!isGatewayError(error) || opening !== undefined) throw error;
      throw await conversation.explain(error);
    } finally {
      compiled.reading = false;
    }
  }

  release(plan: TablePlan): void {
    this.#compiled(plan)?.release();
  }

  forget(plan: TablePlan): void {
    if (this.#compiled(plan) !== undefined) this.#plans = this.#plans.filter((compiled) => compiled.plan !== plan).slice();
  }

  #compiled(plan: TablePlan): CompiledPlan | undefined {
    const plans = this.#plans;
    for (let at = 0; at < plans.length; at++) if (plans[at]?.plan === plan) return plans[at];
    return undefined;
  }

  #compile(plan: TablePlan): CompiledPlan {
    const known = this.#compiled(plan);
    if (known !== undefined) return known;
    const compiled = new CompiledPlan(plan, this.#owner.parts);
    // A list of its exact length: pushing leaves room for sixteen more.
    this.#plans = (this.#plans.length < maxPlans ? this.#plans : this.#plans.slice(1)).concat(compiled);
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
    this.#owner.ended(this, this.#conversation);
  }
}
