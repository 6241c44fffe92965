import type { DesiredDocument, DocumentKind, DocumentOutcome } from "../../../runtime/model/desired.ts";
import type { DocumentOwner } from "../../../runtime/ports/desired-state.ts";
import { MemoryState } from "../../southbound/discovery/memory-state.ts";
import { MemoryDocuments } from "./memory-documents.ts";

/** The power is gone: nothing after this is durable, nothing runs. */
export class PowerCut extends Error {}

/** Counts everything that becomes durable; at the chosen step the power goes, before or after that step took effect. */
export class Power {
  steps = 0;
  cutAt = Number.POSITIVE_INFINITY;
  after = false;
  readonly names: string[] = [];

  step(name: string, work: () => void): void {
    this.steps += 1;
    this.names.push(name);
    if (this.steps > this.cutAt) throw new PowerCut();
    if (this.steps < this.cutAt || this.after) work();
    if (this.steps === this.cutAt) throw new PowerCut();
  }
}

export class CutState extends MemoryState {
  power = new Power();

  override put(entries: Readonly<Record<string, Uint8Array | string | undefined>>): void {
    this.power.step(`put ${Object.keys(entries).join(" ")}`, () => super.put(entries));
  }
}

export class CutDocuments extends MemoryDocuments {
  power = new Power();

  override write(sha256: string, bytes: Uint8Array): void {
    this.power.step("write document", () => super.write(sha256, bytes));
  }

  override retain(wanted: ReadonlySet<string>): void {
    this.power.step("remove documents", () => super.retain(wanted));
  }

  override writeMark(text: string): void {
    this.power.step("write mark", () => super.writeMark(text));
  }
}

/** Puts its documents into effect one by one, each durable on its own: cut in between, it is half way. */
export class StepOwner implements DocumentOwner {
  readonly kinds: readonly DocumentKind[];
  readonly #state: CutState;

  constructor(kind: DocumentKind, state: CutState) {
    this.kinds = [kind];
    this.#state = state;
  }

  async check(documents: readonly DesiredDocument[]) {
    return documents.flatMap(({ id, content }) =>
      (content as { readonly bad?: boolean }).bad === true
        ? [{ document: id, code: "E_SCHEMA", path: "/bad", message: "must not be bad" }]
        : [],
    );
  }

  async apply(documents: readonly DesiredDocument[]): Promise<readonly DocumentOutcome[]> {
    const prefix = `effect/${this.kinds[0]}/`;
    const wanted = new Set(documents.map((one) => prefix + one.id));
    for (const key of this.#state.keys(prefix, 100)) if (!wanted.has(key)) this.#state.put({ [key]: undefined });
    if (documents.some(({ content }) => (content as { readonly bug?: boolean }).bug === true))
      throw new TypeError("undefined is not a function");
    const outcomes: DocumentOutcome[] = [];
    for (const { id, content } of documents) {
      const text = JSON.stringify(content);
      const isThere = this.#state.getText(prefix + id) === text;
      if (!isThere) this.#state.put({ [prefix + id]: text });
      const refuses = (content as { readonly refuses?: boolean }).refuses === true;
      outcomes.push({ document: id, status: refuses ? "failed" : isThere ? "unchanged" : "applied", tookMs: 1 });
      await Promise.resolve();
    }
    return outcomes;
  }
}

/** What is in effect, over all owners. */
export function inEffect(state: MemoryState): Readonly<Record<string, string>> {
  return Object.fromEntries(state.keys("effect/", 100).map((key) => [key, state.getText(key) ?? ""]));
}
