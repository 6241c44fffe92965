import type { Manifest } from "#model/authority.ts";
import type { DocumentOutcome, DocumentProblem } from "#model/desired.ts";
import { GatewayError } from "#model/errors.ts";
import type { ConfirmedGeneration, StoredGeneration } from "./memory.ts";

export function manifestOf(generation: StoredGeneration): Manifest {
  // Written by ourselves after the protocol's parser had accepted it.
  return JSON.parse(generation.payload) as Manifest;
}

export function agentProblem(manifest: Manifest, agent: string): string | undefined {
  const wanted = manifest.min_agent;
  if (wanted === undefined || compareVersions(agent, wanted) >= 0) return undefined;
  return `the generation needs version ${wanted.slice(0, 32)} of the gateway; this one is ${agent}`;
}

function compareVersions(one: string, other: string): number {
  const parts = (version: string) => version.split(/[.-]/).slice(0, 3).map(Number);
  const [left, right] = [parts(one), parts(other)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The configuration stands or falls whole; of the rest only what the manifest calls indispensable takes the generation along. */
export function isFatal(outcome: DocumentOutcome, manifest: Manifest): boolean {
  if (outcome.status === "applied" || outcome.status === "unchanged") return false;
  const entry = manifest.docs.find((one) => one.id === outcome.document);
  return entry === undefined
    ? outcome.status === "failed"
    : entry.must === true || (entry.k === "config" && outcome.status !== "unsupported");
}

/** Applied a second time after a cut, a document is `unchanged`; to the NOC it is `applied` if the confirmed generation did not have it. */
export function asNew(
  outcomes: readonly DocumentOutcome[],
  manifest: Manifest,
  confirmed: ConfirmedGeneration | undefined,
): readonly DocumentOutcome[] {
  const before = new Set(confirmed === undefined ? [] : manifestOf(confirmed).docs.map((entry) => `${entry.id} ${entry.sha256}`));
  const isOld = (id: string) => manifest.docs.some((entry) => entry.id === id && before.has(`${entry.id} ${entry.sha256}`));
  return outcomes.map((one) => (one.status === "unchanged" && !isOld(one.document) ? { ...one, status: "applied" as const } : one));
}

export function outcomesOf(problems: readonly DocumentProblem[]): readonly DocumentOutcome[] {
  const first = new Map<string, DocumentProblem>();
  for (const one of problems) if (!first.has(one.document)) first.set(one.document, one);
  return [...first].map(([document, problem]) => ({ document, status: "failed", problem: withCount(problem, problems), tookMs: 0 }));
}

/** A report has one line per document: it holds all that is wrong, as far as it fits. */
function withCount(first: DocumentProblem, all: readonly DocumentProblem[]): DocumentProblem {
  const own = all.filter((one) => one.document === first.document);
  if (own.length === 1) return first;
  return {
    ...first,
    message: own
      .map((one) => `${one.path === "" ? "/" : one.path}: ${one.message}`)
      .join("; ")
      .slice(0, 1_024),
  };
}

export function sentenceOf(problems: readonly DocumentProblem[]): string {
  const [first] = problems;
  if (first === undefined) throw new GatewayError("config.invalid", { message: "nothing is wrong" });
  const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  return `${first.document}${first.path}: ${first.message}${more}`;
}
