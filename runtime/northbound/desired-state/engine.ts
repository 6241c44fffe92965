import type { ReportedState } from "#model/authority.ts";
import type { DocumentOutcome, DocumentProblem } from "#model/desired.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { DocumentOwner } from "#ports/desired-state.ts";
import type { DocumentStore } from "#ports/document-store.ts";
import type { Logger } from "#ports/logger.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import { WakeUp } from "../wake-up.ts";
import type { BlobFetcher } from "./blob-fetcher.ts";
import { type Gathered, gather } from "./gathering.ts";
import { agentProblem, asNew, isFatal, manifestOf, outcomesOf, sentenceOf } from "./judgement.ts";
import { DesiredMemory, type NextGeneration, type StoredGeneration } from "./memory.ts";
import { OwnerSet } from "./owner-set.ts";
import { ProgressLog } from "./progress-log.ts";
import { reportOf, type Standing } from "./standing.ts";

export interface DesiredStateParts {
  readonly state: State;
  readonly documents: DocumentStore;
  readonly fetcher: BlobFetcher;
  readonly owners: readonly DocumentOwner[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** This program's version. */
  readonly agent: string;
  readonly parseStrictJson: (text: string) => unknown;
  /** Resolves when the NOC was reached after this call, there and back. Rejects with the signal's reason. */
  readonly reachNoc: (signal: AbortSignal) => Promise<void>;
  /** Whether the gateway does its work: what is wrong, in sentences; empty = all is well. Called when the NOC was reached. */
  readonly selfTest: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Longest time between applying and proof, milliseconds. */
  readonly confirmWindowMs: () => number;
  /** Someone at the site keeps the gateway as it is. */
  readonly isLocked: () => boolean;
  /** The report changed; `final`: a generation came to its end. */
  readonly onChange: (final: boolean) => void;
}

const fetchRetryMs = 30_000;
const idleMs = 3_600_000;
const lockLookMs = 5_000;

/**
 * Brings the gateway to the generation that the NOC wants, or leaves it exactly as it was: fetch all, check all, then apply, prove, confirm.
 * Without proof within the window the confirmed generation returns by itself. Every step is durable before it is taken.
 */
export class DesiredState implements Unit {
  readonly name = "desired-state";
  readonly #parts: DesiredStateParts;
  readonly #memory: DesiredMemory;
  readonly #owners: OwnerSet;
  readonly #wakeUp: WakeUp;
  #log: { readonly gen: number; readonly log: ProgressLog } | undefined;
  #note: Standing["note"];
  #superseded = new AbortController();

  constructor(parts: DesiredStateParts) {
    this.#parts = parts;
    this.#memory = new DesiredMemory(parts.state);
    this.#owners = new OwnerSet(parts.owners, parts.clock, parts.logger);
    this.#wakeUp = new WakeUp(parts.clock);
  }

  get memory(): DesiredMemory {
    return this.#memory;
  }

  /** A verified manifest, durable when this returns. */
  stage(generation: StoredGeneration, acceptance: Readonly<Record<string, string>>): void {
    this.#memory.stage(generation, Math.round(this.#parts.clock.now().wallMs), acceptance);
    if (this.#memory.next?.phase === "received") this.#superseded.abort(new Error("a newer generation came"));
    this.#wakeUp.wake();
    this.#parts.onChange(false);
  }

  /** For `rep`, `gatehouse status` and the console. */
  report(): ReportedState {
    const { next } = this.#memory;
    const log =
      this.#log !== undefined && this.#log.gen === (next ?? this.#memory.ended ?? this.#memory.confirmed)?.gen ? this.#log.log : undefined;
    return reportOf({ memory: this.#memory, agent: this.#parts.agent, log, note: this.#note, drift: this.#owners.drift() });
  }

  async run(signal: AbortSignal): Promise<void> {
    const wake = this.#wakeUp.wake;
    signal.addEventListener("abort", wake, { once: true });
    try {
      await this.#restore(signal);
      while (!signal.aborted) {
        const { next } = this.#memory;
        if (next === undefined) await this.#wakeUp.sleep(idleMs);
        else await this.#work(next, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  /** After a start the confirmed generation is put into effect again, unless another one is just taking its place. */
  async #restore(signal: AbortSignal): Promise<void> {
    const { confirmed, next } = this.#memory;
    this.#forget(confirmed, next);
    if (confirmed === undefined || next?.phase === "applying" || next?.phase === "probation" || next?.phase === "reverting") return;
    const gathered = await this.#gather(confirmed, signal);
    if (gathered.problems.length > 0) this.#complain("a document of the confirmed generation is lost", gathered.problems);
    await this.#owners.apply(gathered.documents, () => undefined, signal);
  }

  async #work(next: NextGeneration, signal: AbortSignal): Promise<void> {
    switch (next.phase) {
      case "received":
      case "staged":
        return this.#prepare(next, signal);
      case "applying":
        return this.#apply(next, signal);
      case "probation":
        return this.#prove(next, signal);
      default:
        return this.#revert(next, signal);
    }
  }

  /** Fetches and checks; nothing of the gateway changes. A newer generation ends it. */
  async #prepare(next: NextGeneration, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    this.#superseded = new AbortController();
    const both = AbortSignal.any([signal, this.#superseded.signal]);
    this.#log = { gen: next.gen, log: new ProgressLog(clock) };
    try {
      const old = agentProblem(manifestOf(next), this.#parts.agent);
      if (old !== undefined) return this.#fail(next, [], old);
      this.#say({ phase: "fetching" });
      const gathered = await this.#gather(next, both);
      const problems = gathered.problems.length > 0 ? gathered.problems : await this.#owners.check(gathered.documents, both);
      // A newer one has taken its place meanwhile: nothing of this one may be written over it.
      both.throwIfAborted();
      if (problems.length > 0) return this.#fail(next, [...outcomesOf(problems), ...gathered.unsupported], sentenceOf(problems));
      for (const one of gathered.documents) this.#log.log.add(one.id, "checked");
      this.#memory.move({ ...next, phase: "staged" });
      this.#say(undefined);
      await this.#unlocked(both);
      both.throwIfAborted();
      this.#memory.move({ ...next, phase: "applying" });
      this.#say(undefined);
    } catch (error) {
      signal.throwIfAborted();
      if (this.#superseded.signal.aborted) return;
      if (!isGatewayError(error)) throw error;
      this.#say({ phase: "fetching", reason: error.message });
      await this.#wakeUp.sleep(fetchRetryMs);
    }
  }

  async #unlocked(signal: AbortSignal): Promise<void> {
    while (this.#parts.isLocked()) {
      this.#say({ phase: "staged", reason: "held by the local lock; it goes on when someone at the site unlocks" });
      await this.#parts.clock.sleep(lockLookMs, signal);
    }
  }

  async #apply(next: NextGeneration, signal: AbortSignal): Promise<void> {
    const log = this.#log?.gen === next.gen ? this.#log.log : new ProgressLog(this.#parts.clock);
    this.#log = { gen: next.gen, log };
    const gathered = await this.#gather(next, signal);
    if (gathered.problems.length > 0) {
      this.#memory.move({ ...next, phase: "reverting", reason: sentenceOf(gathered.problems), outcomes: outcomesOf(gathered.problems) });
      return;
    }
    const progress = (document: string, step: string, detail?: string) => {
      log.add(document, step, detail);
      this.#parts.onChange(false);
    };
    const applied = await this.#owners.apply(gathered.documents, progress, signal);
    const outcomes = [...asNew(applied, manifestOf(next), this.#memory.confirmed), ...gathered.unsupported];
    const fatal = outcomes.find((one) => isFatal(one, manifestOf(next)));
    if (fatal !== undefined) {
      const reason = `${fatal.document}: ${fatal.problem?.message ?? fatal.status}`;
      this.#memory.move({ ...next, phase: "reverting", reason, outcomes });
      return;
    }
    // What changed nothing needs no proof; a manifest that only repeats must not wait for the NOC.
    if (outcomes.every((one) => one.status === "unchanged" || one.status === "unsupported")) return this.#confirm(next, outcomes);
    this.#memory.move({ ...next, phase: "probation", outcomes });
    this.#say(undefined);
  }

  /** The gateway proves that it can still be reached and does its work. */
  async #prove(next: NextGeneration, signal: AbortSignal): Promise<void> {
    const { clock, confirmWindowMs, reachNoc, selfTest } = this.#parts;
    const window = new AbortController();
    const both = AbortSignal.any([signal, window.signal]);
    const windowMs = confirmWindowMs();
    clock.sleep(windowMs, both).then(
      () => window.abort(new Error("window over")),
      () => undefined,
    );
    let reached = false;
    try {
      await reachNoc(both);
      reached = true;
      const wrong = await selfTest(both);
      if (wrong.length === 0) return this.#confirm(next, next.outcomes ?? []);
      this.#memory.move({ ...next, phase: "reverting", reason: `the self-test failed: ${wrong.join("; ")}` });
    } catch (error) {
      signal.throwIfAborted();
      if (!window.signal.aborted && !isGatewayError(error)) throw error;
      const seconds = Math.round(windowMs / 1_000);
      const why = reached ? "the self-test did not end" : "the NOC was not reached";
      this.#memory.move({ ...next, phase: "reverting", reason: `${why} within ${seconds} s after the change` });
    } finally {
      window.abort(new Error("proof over"));
    }
  }

  #confirm(next: NextGeneration, outcomes: readonly DocumentOutcome[]): void {
    this.#memory.confirm(next, outcomes, Math.round(this.#parts.clock.now().wallMs));
    this.#parts.logger.info({ generation: next.gen }, "a generation of desired state is confirmed");
    this.#forget(this.#memory.confirmed, this.#memory.next);
    this.#say(undefined, true);
  }

  /** Nothing was applied. */
  #fail(next: NextGeneration, outcomes: readonly DocumentOutcome[], reason: string): void {
    this.#end(next, "failed", outcomes, reason);
  }

  async #revert(next: NextGeneration, signal: AbortSignal): Promise<void> {
    const { confirmed } = this.#memory;
    this.#say(undefined);
    const gathered = confirmed === undefined ? undefined : await this.#gather(confirmed, signal);
    if (gathered !== undefined && gathered.problems.length > 0) this.#complain("a document to go back to is lost", gathered.problems);
    const back = await this.#owners.apply(gathered?.documents ?? [], () => undefined, signal);
    const stuck = back.filter((one) => one.status === "failed");
    if (stuck.length > 0) {
      const problems = stuck.map((one) => one.problem ?? { document: one.document, code: "E_APPLY", path: "", message: one.status });
      this.#complain("the previous generation could not be put back whole", problems);
    }
    const taken = (next.outcomes ?? []).map((one) => (one.status === "applied" ? { ...one, status: "rolled-back" as const } : one));
    this.#end(next, "rolled_back", taken, next.reason ?? "not confirmed");
  }

  #end(next: NextGeneration, phase: "failed" | "rolled_back", outcomes: readonly DocumentOutcome[], reason: string): void {
    const { epoch, gen } = next;
    this.#memory.end({ epoch, gen, phase, reason: reason.slice(0, 500), outcomes, atMs: Math.round(this.#parts.clock.now().wallMs) });
    this.#parts.logger.warn(
      { generation: gen, phase, reason: reason.slice(0, 500) },
      "a generation of desired state did not come into effect",
    );
    this.#forget(this.#memory.confirmed, this.#memory.next);
    this.#say(undefined, true);
  }

  #gather(generation: StoredGeneration, signal: AbortSignal): Promise<Gathered> {
    const { documents, fetcher, parseStrictJson } = this.#parts;
    const fetch: Parameters<typeof gather>[1]["fetch"] = (entry, stop) =>
      fetcher.fetch(entry, (percent) => this.#say({ phase: "fetching", reason: `${entry.id} ${percent} %` }), stop);
    return gather(manifestOf(generation), { owners: this.#owners, documents, parse: parseStrictJson, fetch }, signal);
  }

  /** Documents that no generation names any more make room. */
  #forget(...generations: readonly (StoredGeneration | undefined)[]): void {
    const kept = [...generations, this.#memory.previous, this.#memory.pending];
    const wanted = kept.flatMap((one) => (one === undefined ? [] : manifestOf(one).docs.map((entry) => entry.sha256)));
    this.#parts.documents.retain(new Set(wanted));
  }

  #say(note: Standing["note"], final = false): void {
    this.#note = note;
    this.#parts.onChange(final);
  }

  #complain(sentence: string, problems: readonly DocumentProblem[]): void {
    for (const { document, code } of problems.slice(0, 10)) this.#parts.logger.error({ document, code }, sentence);
  }
}
