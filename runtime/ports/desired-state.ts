import type { DesiredDocument, DocumentKind, DocumentOutcome, DocumentProblem } from "#model/desired.ts";

/** Steps on the way to an outcome, for live progress at the NOC: `validated`, `staged`, `applying`, `soaking`, `healthy`, `rolled-back`. At most 32 a document. */
export type ApplyProgress = (document: string, step: string, detail?: string) => void;

/**
 * The room that puts one or several kinds of document into effect: configuration, services and flows, firmware.
 *
 * The desired-state engine verifies signature, audience and generation, fetches everything, asks every owner to `check` before anything is
 * applied, keeps the current and the previous generation durably, and runs the confirmed commit. Going back is `apply` with the previous set.
 */
export interface DocumentOwner {
  readonly kinds: readonly DocumentKind[];
  /** Says everything that is wrong, at once, and changes nothing. Empty = can be applied. */
  check(documents: readonly DesiredDocument[], signal: AbortSignal): Promise<readonly DocumentProblem[]>;
  /**
   * Makes exactly this set (all documents of its kinds) the one in effect; what is not in it is taken away. Idempotent: what is in effect
   * already is `unchanged` and not touched. Interrupted by a power cut it is called again with the same set at the next start. What turns
   * out to be unhealthy is taken back by the owner itself (`rolled-back`) without hurting the rest of the set.
   */
  apply(documents: readonly DesiredDocument[], progress: ApplyProgress, signal: AbortSignal): Promise<readonly DocumentOutcome[]>;
  /**
   * Where the site differs from what is in effect, because a person there changed it: `{ id, path, local }`, JSON values, no secrets. Asked
   * for each report; at most 50.
   */
  drift?(): readonly Readonly<Record<string, unknown>>[];
}
