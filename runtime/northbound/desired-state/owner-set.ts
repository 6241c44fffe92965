import type { DesiredDocument, DocumentKind, DocumentOutcome, DocumentProblem } from "#model/desired.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { ApplyProgress, DocumentOwner } from "#ports/desired-state.ts";
import type { Logger } from "#ports/logger.ts";

/** In this order: who is trusted and how the line is set up first, what runs on it then, the program itself last. */
const order: readonly DocumentKind[] = ["keys", "cred", "config", "template", "flow", "services", "sla", "firmware"];

/** The rooms that put documents into effect, asked together. A kind has one owner. */
export class OwnerSet {
  readonly #owners: readonly DocumentOwner[];
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(owners: readonly DocumentOwner[], clock: Clock, logger: Logger) {
    const rank = (owner: DocumentOwner) => Math.min(...owner.kinds.map((kind) => order.indexOf(kind)));
    this.#owners = [...owners].sort((one, other) => rank(one) - rank(other));
    this.#clock = clock;
    this.#logger = logger;
    const kinds = owners.flatMap((owner) => owner.kinds);
    if (new Set(kinds).size !== kinds.length) throw new Error("a kind of document has two owners");
  }

  owns(kind: DocumentKind): boolean {
    return this.#owners.some((owner) => owner.kinds.includes(kind));
  }

  get kinds(): readonly DocumentKind[] {
    return this.#owners.flatMap((owner) => owner.kinds);
  }

  /** Everything that is wrong with the whole set, at once; nothing is changed. */
  async check(documents: readonly DesiredDocument[], signal: AbortSignal): Promise<readonly DocumentProblem[]> {
    const problems: DocumentProblem[] = [];
    for (const owner of this.#owners) {
      const own = ofKinds(documents, owner.kinds);
      try {
        problems.push(...(await owner.check(own, signal)));
      } catch (error) {
        signal.throwIfAborted();
        const { code, message } = this.#told(error, owner);
        problems.push(...own.map((one) => ({ document: one.id, code, path: "", message })));
      }
    }
    return problems;
  }

  /** Makes exactly this set the one in effect. An owner that cannot says so in the outcome of its documents. */
  async apply(documents: readonly DesiredDocument[], progress: ApplyProgress, signal: AbortSignal): Promise<readonly DocumentOutcome[]> {
    const outcomes: DocumentOutcome[] = [];
    for (const owner of this.#owners) {
      const own = ofKinds(documents, owner.kinds);
      const startedMs = this.#clock.monotonicMs();
      try {
        outcomes.push(...(await owner.apply(own, progress, signal)));
      } catch (error) {
        signal.throwIfAborted();
        const { code, message } = this.#told(error, owner);
        const tookMs = this.#clock.monotonicMs() - startedMs;
        const problem = (document: string): DocumentProblem => ({ document, code, path: "", message });
        // Without documents of its own the failure still belongs to somebody: to the set.
        const names = own.length === 0 ? owner.kinds.slice(0, 1) : own.map((one) => one.id);
        outcomes.push(...names.map((document) => ({ document, status: "failed" as const, problem: problem(document), tookMs })));
      }
    }
    return outcomes;
  }

  /** A bug in one room fails what was ordered of it, and nothing else: polling must not suffer for a document. */
  #told(error: unknown, owner: DocumentOwner): { readonly code: string; readonly message: string } {
    if (isGatewayError(error)) return { code: error.code, message: error.message };
    const stack = error instanceof Error ? (error.stack ?? error.message) : typeof error;
    this.#logger.error({ kinds: owner.kinds.join(","), error: stack }, "the owner of a kind of document has a bug");
    return { code: "E_BUG", message: "a bug of the gateway; its log says more" };
  }

  /** Where the site differs from what the NOC ordered. */
  drift(): readonly Readonly<Record<string, unknown>>[] {
    return this.#owners.flatMap((owner) => owner.drift?.() ?? []);
  }
}

function ofKinds(documents: readonly DesiredDocument[], kinds: readonly DocumentKind[]): readonly DesiredDocument[] {
  return documents.filter((one) => kinds.includes(one.kind));
}
