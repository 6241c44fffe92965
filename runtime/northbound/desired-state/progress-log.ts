import type { ReportedDocument } from "#model/authority.ts";
import type { DocumentOutcome } from "#model/desired.ts";
import type { Clock } from "#ports/clock.ts";

const maxSteps = 32;
const maxDocuments = 500;
const maxDetail = 120;

type Step = readonly [string, number] | readonly [string, number, string];

/** What happened to each document of one generation, with times since it was received. */
export class ProgressLog {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #steps = new Map<string, Step[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  add(document: string, step: string, detail?: string): void {
    let steps = this.#steps.get(document);
    if (steps === undefined) {
      if (this.#steps.size >= maxDocuments) return;
      steps = [];
      this.#steps.set(document, steps);
    }
    const atMs = Math.round(this.#clock.monotonicMs() - this.#startedMs);
    // Beyond the bound the newest replaces the last: how it ends is what people look for.
    if (steps.length >= maxSteps) steps.pop();
    steps.push(detail === undefined ? [step.slice(0, 32), atMs] : [step.slice(0, 32), atMs, detail.slice(0, maxDetail)]);
  }

  stepsOf(document: string): readonly Step[] {
    return this.#steps.get(document) ?? [];
  }
}

/** One document as `rep` shows it. */
export function reportedDocument(
  entry: { readonly id: string; readonly rev: number | string; readonly sha256: string },
  outcome: DocumentOutcome | undefined,
  log: ProgressLog | undefined,
): ReportedDocument {
  const steps = log?.stepsOf(entry.id) ?? [];
  const { problem } = outcome ?? {};
  return {
    id: entry.id,
    rev: entry.rev,
    sha256: entry.sha256,
    st: outcome?.status ?? "pending",
    ...(outcome === undefined ? {} : { ms: Math.round(outcome.tookMs) }),
    ...(problem === undefined
      ? {}
      : { err: { code: problem.code.slice(0, 64), path: problem.path.slice(0, 512), msg: problem.message.slice(0, 1_024) } }),
    ...(steps.length === 0 ? {} : { steps }),
  };
}
