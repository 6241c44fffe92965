import type { Manifest, ReportedState } from "#model/authority.ts";
import type { DocumentOutcome } from "#model/desired.ts";
import type { DesiredMemory, StoredGeneration } from "./memory.ts";
import { type ProgressLog, reportedDocument } from "./progress-log.ts";

/** What a report is made from. */
export interface Standing {
  readonly memory: DesiredMemory;
  readonly agent: string;
  readonly log: ProgressLog | undefined;
  /** What the engine is just doing, where the memory does not say it. */
  readonly note: { readonly phase: "fetching" | "staged"; readonly reason?: string } | undefined;
  readonly drift: readonly Readonly<Record<string, unknown>>[];
}

const maxDrift = 50;

/** The reported state: the generation on its way if there is one, else the last that ended badly if it is the newest, else the one in effect. */
export function reportOf(standing: Standing): ReportedState {
  const { memory, agent } = standing;
  const drift = standing.drift.length === 0 ? {} : { drift: standing.drift.slice(0, maxDrift) };
  const { confirmed, next, ended } = memory;
  const before = confirmed === undefined ? {} : { prev_gen: confirmed.gen };
  if (next !== undefined) {
    const { note } = standing;
    const phase = next.phase === "reverting" ? "applying" : next.phase;
    const reason = note?.reason ?? next.reason;
    return {
      v: 1,
      gen: next.gen,
      phase: note !== undefined && next.phase === "received" ? note.phase : phase,
      since: next.receivedAtMs,
      agent,
      ...before,
      ...(reason === undefined ? {} : { reason: reason.slice(0, 500) }),
      docs: documentsOf(next, next.outcomes, standing.log),
      ...drift,
    };
  }
  if (ended !== undefined) {
    const { gen, phase, reason, outcomes, atMs } = ended;
    const docs = outcomes.map((one) => reportedOutcome(one, standing.log));
    return { v: 1, gen, phase, since: atMs, agent, ...before, reason, docs, ...drift };
  }
  if (confirmed === undefined) return { v: 1, gen: 0, phase: "none", agent, docs: [], ...drift };
  const docs = documentsOf(confirmed, confirmed.outcomes, standing.log);
  return { v: 1, gen: confirmed.gen, phase: "ok", since: confirmed.atMs, agent, docs, ...drift };
}

function documentsOf(generation: StoredGeneration, outcomes: readonly DocumentOutcome[] | undefined, log: ProgressLog | undefined) {
  const { docs } = JSON.parse(generation.payload) as Manifest;
  return docs.map((entry) =>
    reportedDocument(
      entry,
      outcomes?.find((one) => one.document === entry.id),
      log,
    ),
  );
}

function reportedOutcome(outcome: DocumentOutcome, log: ProgressLog | undefined) {
  const { rev: _rev, sha256: _sha256, ...rest } = reportedDocument({ id: outcome.document, rev: 0, sha256: "" }, outcome, log);
  return rest;
}
