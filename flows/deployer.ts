import type { DesiredDocument, DocumentOutcome, DocumentProblem } from "#model/desired.ts";
import type { Clock } from "#ports/clock.ts";
import type { ApplyProgress, DocumentOwner } from "#ports/desired-state.ts";
import type { Logger } from "#ports/logger.ts";
import { type CompileContext, type CompiledSet, compileSet } from "./compile/compile-set.ts";
import { pointerPart } from "./compile/problem.ts";
import type { CompiledUnit } from "./compile/unit.ts";

import { asFlow, type FlowSet } from "./flow-set.ts";
import type { UnitTracker } from "./health.ts";
import type { HostLink } from "./host-link.ts";
import { localTabs } from "./local-tabs.ts";
import type { ServiceReports } from "./service-reports.ts";
import { fail, type Soak } from "./soak.ts";

/** Entries of the report; of more tabs the operation `flows.local` tells. */
const maxDrift = 20;
const waitForHostMs = 90_000;

export interface DeployerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly set: FlowSet;
  readonly tracker: UnitTracker;
  readonly reports: ServiceReports;
  readonly context: () => CompileContext;
  /** The pipe to a host whose flows run. @throws the signal's reason */
  readonly running: (signal: AbortSignal) => Promise<HostLink>;
  readonly soak: Soak;
  /** Why there is no flow host at all. */
  readonly unavailable: () => string | undefined;
  readonly onSubscriptionsGone: (unit: string) => void;
}

interface Plan {
  readonly upsert: readonly CompiledUnit[];
  readonly remove: readonly string[];
}

/** Validate, stage, apply, verify, soak, commit or roll back (flows/README.md). Owner of the documents that say which services shall run. */
export class Deployer implements DocumentOwner {
  readonly kinds = ["services", "template", "flow"] as const;
  readonly #parts: DeployerParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: DeployerParts) {
    this.#parts = parts;
  }

  async check(documents: readonly DesiredDocument[]): Promise<readonly DocumentProblem[]> {
    return compileSet(documents, this.#parts.context()).problems;
  }

  /** Technicians' tabs: what runs here and no document says. The nodes themselves come by the operation `flows.local`. */
  drift(): readonly Readonly<Record<string, unknown>>[] {
    const tabs = localTabs(this.#parts.set).slice(0, maxDrift);
    return tabs.map(({ id, label, nodes, sha256 }) => ({
      id: "flows.local",
      path: `/${pointerPart(id)}`,
      local: { label, nodes, sha256 },
    }));
  }

  /** One at a time, in order. */
  apply(documents: readonly DesiredDocument[], progress: ApplyProgress, signal: AbortSignal): Promise<readonly DocumentOutcome[]> {
    const applying = this.#last.then(() => this.#apply(documents, progress, signal));
    this.#last = applying.catch(() => undefined);
    return applying;
  }

  /** Does something between two deploys, never during one. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #apply(documents: readonly DesiredDocument[], progress: ApplyProgress, signal: AbortSignal): Promise<readonly DocumentOutcome[]> {
    const { clock, set, reports } = this.#parts;
    const beganMs = clock.monotonicMs();
    const context = this.#parts.context();
    const compiled = compileSet(documents, context);
    const refused = new Set(compiled.problems.map(({ document }) => document));
    for (const { document, code, path, message } of compiled.problems.slice(0, 20))
      reports.refused(document, `${code} ${path}: ${message}`, clock.monotonicMs() - beganMs);
    if (refused.size === 0) context.catalogue.setSent(compiled.templates);
    for (const { id } of documents) if (!refused.has(id)) progress(id, "validated");
    const plan = this.#plan(compiled, refused);
    const failed = new Map<string, string>();
    if (plan.upsert.length > 0 || plan.remove.length > 0) {
      const why = this.#parts.unavailable();
      if (why !== undefined)
        return documents.map(({ id }) => outcomeOf(id, "unsupported", 0, { document: id, code: "E_UNAVAILABLE", path: "", message: why }));
      for (const [id, reason] of await this.#deploy(plan, { documents, progress, beganMs, signal })) failed.set(id, reason);
    }
    for (const unit of compiled.units) {
      const ban = set.bans.get(unit.id);
      if (ban !== undefined && ban.hash === unit.hash && !failed.has(unit.id)) failed.set(unit.id, ban.reason);
    }
    const tookMs = clock.monotonicMs() - beganMs;
    return documents.map((document) => this.#judge(document, { compiled, plan, failed, tookMs }));
  }

  #plan(compiled: CompiledSet, refused: ReadonlySet<string>): Plan {
    const { set } = this.#parts;
    const wanted = new Set([...compiled.units, ...compiled.disabled].map(({ id }) => id));
    const off = new Set(compiled.disabled.map(({ id }) => id));
    return {
      upsert: compiled.units.filter(
        (unit) => !refused.has(unit.document) && set.committed.get(unit.id)?.unit.hash !== unit.hash && !set.isBanned(unit),
      ),
      // A document that is refused takes nothing away.
      remove: [...set.committed.values()]
        .filter(({ unit }) => off.has(unit.id) || (!wanted.has(unit.id) && !refused.has(unit.document)))
        .map(({ unit }) => unit.id),
    };
  }

  /** @returns units that were rolled back, with reasons */
  async #deploy(
    plan: Plan,
    run: {
      readonly documents: readonly DesiredDocument[];
      readonly progress: ApplyProgress;
      readonly beganMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<ReadonlyMap<string, string>> {
    const { clock, set, tracker, reports } = this.#parts;
    const say = (step: string, unit?: CompiledUnit) => {
      for (const id of unit === undefined ? touched(plan, run.documents) : [unit.document]) run.progress(id, step, unit?.id);
    };
    const link = await this.#host(run.signal);
    set.safe = undefined;
    set.try(plan.upsert, tracker, clock.now().wallMs);
    say("staged");
    say("applying");
    await this.#send(link, plan);
    say("soaking");
    await Promise.all(plan.upsert.map((unit) => this.#parts.soak.run(unit, run.signal)));
    const failed = new Map<string, string>();
    for (const [id, { failure }] of set.trials) if (failure !== undefined) failed.set(id, failure);
    const healthy = plan.upsert.filter(({ id }) => !failed.has(id));
    const before = new Map([...plan.upsert.map(({ id }) => id), ...plan.remove].map((id) => [id, set.committed.get(id)] as const));
    set.settle({ healthy: healthy.map(({ id }) => id), failed, removed: plan.remove, atMs: clock.now().wallMs });
    await this.#rollBack(failed, run.signal);
    const tookMs = clock.monotonicMs() - run.beganMs;
    for (const unit of healthy) {
      reports.healthy(unit, before.get(unit.id), tookMs);
      say("healthy", unit);
    }
    for (const unit of plan.upsert) {
      const reason = failed.get(unit.id);
      if (reason === undefined) continue;
      reports.rolledBack(unit, reason, tookMs, before.get(unit.id) !== undefined);
      say("rolled-back", unit);
    }
    for (const id of plan.remove) {
      this.#parts.onSubscriptionsGone(id);
      const gone = before.get(id);
      if (gone !== undefined) reports.deactivated(gone);
    }
    return failed;
  }

  async #host(signal: AbortSignal): Promise<HostLink> {
    return this.#parts.running(AbortSignal.any([signal, this.#timeout(waitForHostMs, signal)]));
  }

  #timeout(ms: number, signal: AbortSignal): AbortSignal {
    const late = new AbortController();
    this.#parts.clock.sleep(ms, signal).then(
      () => late.abort(new Error("the flow host did not come up in time")),
      () => undefined,
    );
    return late.signal;
  }

  async #send(link: HostLink, plan: Plan): Promise<void> {
    const { set } = this.#parts;
    try {
      const report = await link.deploy(plan.upsert.map(asFlow), plan.remove);
      for (const unit of plan.upsert) {
        const missing = report.missing.find((id) => unit.nodes.some((node) => node.id === id));
        if (missing !== undefined) fail(set, unit.id, `node "${missing}" could not be created`);
        else if (report.error !== undefined) fail(set, unit.id, report.error);
      }
    } catch (error) {
      // The child died of it, or with it: whoever is to blame is told by the keeper, and the soak waits for the next child.
      this.#parts.logger.info({ reason: String(error) }, "flow host went away during a deploy");
    }
  }

  async #rollBack(failed: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    if (failed.size === 0) return;
    const { set } = this.#parts;
    const link = await this.#host(signal);
    const back = [...failed.keys()].map((id) => set.committed.get(id)?.unit);
    const upsert = back.filter((unit) => unit !== undefined && !set.isBanned(unit)).map((unit) => asFlow(unit as CompiledUnit));
    const remove = [...failed.keys()].filter((id) => !upsert.some((unit) => unit.id === id));
    await link.deploy(upsert, remove).catch(() => undefined);
  }

  #judge(
    document: DesiredDocument,
    run: { readonly compiled: CompiledSet; readonly plan: Plan; readonly failed: ReadonlyMap<string, string>; readonly tookMs: number },
  ): DocumentOutcome {
    const problem = run.compiled.problems.find((one) => one.document === document.id);
    if (problem !== undefined) return outcomeOf(document.id, "failed", run.tookMs, problem);
    const own = run.compiled.units.filter((unit) => unit.document === document.id);
    const bad = own.find(({ id }) => run.failed.has(id));
    if (bad !== undefined) {
      const isQuarantined = this.#parts.set.bans.get(bad.id)?.kind === "quarantined";
      const message = `service ${bad.id}: ${run.failed.get(bad.id) ?? ""}`;
      return outcomeOf(document.id, isQuarantined ? "quarantined" : "rolled-back", run.tookMs, {
        document: document.id,
        code: isQuarantined ? "E_QUARANTINED" : "E_UNHEALTHY",
        path: bad.path,
        message,
      });
    }
    const isTouched = run.plan.upsert.some((unit) => unit.document === document.id) || run.plan.remove.length > 0;
    return outcomeOf(document.id, isTouched ? "applied" : "unchanged", run.tookMs);
  }
}

function touched(plan: Plan, documents: readonly DesiredDocument[]): readonly string[] {
  const ids = new Set(plan.upsert.map(({ document }) => document));
  return documents.map(({ id }) => id).filter((id) => ids.has(id));
}

function outcomeOf(document: string, status: DocumentOutcome["status"], tookMs: number, problem?: DocumentProblem): DocumentOutcome {
  return { document, status, tookMs: Math.round(tookMs), ...(problem === undefined ? {} : { problem }) };
}
