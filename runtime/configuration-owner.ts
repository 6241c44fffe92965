import type { DesiredDocument, DocumentOutcome, DocumentProblem } from "#model/desired.ts";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { ApplyProgress, DocumentOwner } from "#ports/desired-state.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { type Difference, differences } from "./config/difference.ts";
import { type GatewayConfiguration, gatewaySchema } from "./config/gateway-configuration.ts";
import { mergeOverlay, overlayProblems, placeInOverlay } from "./config/overlay.ts";
import { ConfigurationError } from "./config/problem.ts";
import type { OverlayMemory } from "./overlay-memory.ts";

/** Takes over a part of the configuration while the gateway runs. */
export interface LiveApplier {
  /** Pointers it answers for, by their beginning: `/equipment`. */
  readonly prefixes: readonly string[];
  apply(next: GatewayConfiguration, before: GatewayConfiguration, changed: readonly string[]): Promise<void> | void;
}

export interface ConfigurationOwnerParts {
  readonly memory: OverlayMemory;
  readonly site: { own(): unknown; load(overlays: readonly unknown[]): Promise<GatewayConfiguration> };
  readonly running: GatewayConfiguration;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly appliers: readonly LiveApplier[];
  /** Equipment that answers now. */
  readonly answering: () => readonly string[];
  /** Ends this run of the gateway in order and begins another with the configuration as it is stored. */
  readonly restart: (reason: string) => void;
}

const watchMs = 60_000;
const answerMs = 500;

/** Puts documents of the kind `config` into effect: settings of the NOC, laid over gatehouse.yaml. */
export class ConfigurationOwner implements DocumentOwner {
  readonly kinds = ["config"] as const;
  readonly #parts: ConfigurationOwnerParts;
  #running: GatewayConfiguration;

  constructor(parts: ConfigurationOwnerParts) {
    this.#parts = parts;
    this.#running = parts.running;
  }

  /** The configuration in force. */
  get running(): GatewayConfiguration {
    return this.#running;
  }

  async check(documents: readonly DesiredDocument[]): Promise<readonly DocumentProblem[]> {
    const [document, ...more] = documents;
    if (document === undefined) return [];
    const problem = (code: string, path: string, message: string): DocumentProblem => ({ document: document.id, code, path, message });
    if (more.length > 0) return [problem("E_DUPLICATE", "", "a generation has at most one configuration")];
    const { site } = this.#parts;
    const own = site.own();
    const refused = overlayProblems(document.content, own, gatewaySchema());
    if (refused.length > 0) return refused.map(({ path, message }) => problem("E_REFUSED", path, message));
    try {
      await this.#load(document.content);
      return [];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) {
        if (isGatewayError(error)) return [problem(error.code, "", error.message)];
        throw error;
      }
      const merged = mergeOverlay(own, document.content);
      return error.problems.flatMap(({ severity, pointer, sentence }) => {
        if (severity !== "error") return [];
        const place = placeInOverlay(pointer, merged, document.content);
        return [problem("E_SCHEMA", place ?? "", place === undefined ? `${pointer} (of the site's own file): ${sentence}` : sentence)];
      });
    }
  }

  async apply(documents: readonly DesiredDocument[], progress: ApplyProgress, signal: AbortSignal): Promise<readonly DocumentOutcome[]> {
    const [document] = documents;
    const { memory, clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    const isStored = memory.overlay?.sha256 === document?.sha256;
    const next = await this.#load(document?.content);
    const changes = differences(this.#running.shown, next.shown, gatewaySchema());
    if (!isStored) {
      const affected = this.#affected(changes);
      memory.setOverlay(document === undefined ? undefined : { sha256: document.sha256, content: document.content }, affected);
    }
    await this.#bring(next, changes, signal, (step, detail) => {
      if (document !== undefined) progress(document.id, step, detail);
    });
    if (document === undefined) return [];
    const status = isStored && changes.length === 0 ? "unchanged" : "applied";
    return [{ document: document.id, status, tookMs: clock.monotonicMs() - startedMs }];
  }

  /**
   * A person at the site sets something for a while, or takes it back. @returns whether the gateway begins anew for it, half a second later: who asked gets
   * an answer first, over a socket that ends with this run. @throws ConfigurationError when that makes no sense
   */
  async override(content: unknown, by: string, forMs: number, signal: AbortSignal): Promise<boolean> {
    const { memory, clock } = this.#parts;
    const nowMs = Math.round(clock.now().wallMs);
    const overlay = memory.overlay?.content;
    const next = await this.#parts.site.load([overlay, content].filter((one) => one !== undefined));
    memory.setOverride(content === undefined ? undefined : { content, by, sinceMs: nowMs, untilMs: nowMs + forMs });
    const changes = differences(this.#running.shown, next.shown, gatewaySchema());
    const heavy = this.#heavy(changes);
    if (heavy === undefined) await this.#bring(next, changes, signal, () => undefined);
    // A run that ended meanwhile is ended once more, which is nothing.
    else void clock.sleep(answerMs, new AbortController().signal).then(() => this.#begin(heavy, changes.length));
    return heavy !== undefined;
  }

  /** Takes local settings out of force when their time is over. */
  readonly watch: Unit = {
    name: "local-settings",
    run: async (signal) => {
      const { clock, memory, logger } = this.#parts;
      while (!signal.aborted) {
        await clock.sleep(watchMs, signal).catch((reason: unknown) => {
          if (!signal.aborted) throw reason;
        });
        if (signal.aborted || !memory.hasExpired(clock.now().wallMs)) continue;
        logger.info({}, "the local settings are a day old and end");
        await this.override(undefined, "", 0, signal);
      }
    },
  };

  drift(): readonly Readonly<Record<string, unknown>>[] {
    const override = this.#parts.memory.override(this.#parts.clock.now().wallMs);
    if (override === undefined) return [];
    return leaves(override.content, "").map((path) => ({ id: "config", path, by: override.by, until: override.untilMs }));
  }

  #load(overlay: unknown): Promise<GatewayConfiguration> {
    const { memory, clock, site } = this.#parts;
    const override = memory.override(clock.now().wallMs)?.content;
    return site.load([overlay, override].filter((one) => one !== undefined));
  }

  /** While the gateway runs where everything that changes allows it, else by beginning anew. */
  async #bring(
    next: GatewayConfiguration,
    changes: readonly Difference[],
    signal: AbortSignal,
    say: (step: string, detail?: string) => void,
  ): Promise<void> {
    if (changes.length === 0) return;
    const { appliers, logger } = this.#parts;
    const heavy = this.#heavy(changes);
    if (heavy !== undefined) {
      say("restarting", heavy.pointer);
      this.#begin(heavy, changes.length);
      return waitForEnd(signal);
    }
    const before = this.#running;
    this.#running = next;
    for (const applier of appliers) {
      const changed = changes.filter((one) => answersFor(applier, one.pointer)).map((one) => one.pointer);
      if (changed.length > 0) await applier.apply(next, before, changed);
    }
    say("applied", `${changes.length} ${changes.length === 1 ? "option" : "options"} while running`);
    logger.info({ changes: changes.length }, "the configuration changed while running");
  }

  /** A change that nobody can bring into effect while the gateway runs. */
  #heavy(changes: readonly Difference[]): Difference | undefined {
    const { appliers } = this.#parts;
    return changes.find((one) => !one.live || !appliers.some((applier) => answersFor(applier, one.pointer)));
  }

  #begin({ pointer }: Difference, changes: number): void {
    this.#parts.logger.info({ pointer, changes }, "the configuration changes, the gateway begins anew");
    this.#parts.restart(`${pointer} changes`);
  }

  /** Equipment that answers now and whose settings change, or all of it when the gateway begins anew. */
  #affected(changes: readonly Difference[]): readonly string[] {
    const answering = this.#parts.answering();
    if (changes.some((one) => !one.live)) return answering.slice(0, 64);
    const credentials = new Set(changes.flatMap((one) => segmentAfter(one.pointer, "/credentials/")));
    const ids = new Set(changes.flatMap((one) => segmentAfter(one.pointer, "/equipment/")));
    for (const one of this.#running.equipment) if (credentials.has(one.credential ?? "")) ids.add(one.id);
    return answering.filter((id) => ids.has(id)).slice(0, 64);
  }
}

function answersFor(applier: LiveApplier, pointer: string): boolean {
  return applier.prefixes.some((prefix) => pointer === prefix || pointer.startsWith(`${prefix}/`));
}

/** The run ends with its signal; whoever waits for the change waits till then. */
function waitForEnd(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

function segmentAfter(pointer: string, prefix: string): readonly string[] {
  return pointer.startsWith(prefix) ? [pointer.slice(prefix.length).split("/", 1)[0] ?? ""] : [];
}

/** Pointers of all values, lists as a whole. */
function leaves(value: unknown, pointer: string): readonly string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [pointer];
  return Object.entries(value).flatMap(([key, entry]) => leaves(entry, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`));
}
