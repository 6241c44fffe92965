import type { Clock } from "#ports/clock.ts";
import { maxContextBytes } from "../context-book.ts";
import { unitOfTab } from "./blame.ts";
import { type ContextStore, loadMemoryContext } from "./node-red.ts";

const tellEveryMs = 30_000;
const maxDepth = 32;

/** Data of Node-RED's context: by scope (`global`, TAB, `NODE:TAB`), then by key. */
type Scopes = Record<string, unknown>;

/** Node-RED's own memory store, filled with what the telemetry process kept, and told to it now and then where it has changed. */
export class RememberedContext {
  readonly #clock: Clock;
  readonly #tell: (contexts: Readonly<Record<string, string>>) => Promise<unknown>;
  readonly #told = new Map<string, string>();
  readonly #data: Scopes = {};

  /** @param kept JSON by unit, as it was told once */
  constructor(parts: {
    readonly clock: Clock;
    readonly kept: Readonly<Record<string, string>>;
    readonly tell: (contexts: Readonly<Record<string, string>>) => Promise<unknown>;
  }) {
    this.#clock = parts.clock;
    this.#tell = parts.tell;
    for (const [unit, text] of Object.entries(parts.kept)) {
      this.#told.set(unit, text);
      Object.assign(this.#data, JSON.parse(text) as Scopes);
    }
  }

  /** As Node-RED's settings want a store. */
  readonly module = (config: object): ContextStore => Object.assign(loadMemoryContext()(config), { data: this.#data });

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(tellEveryMs, signal);
      await this.tellNow();
    }
  }

  /** What has changed since it was told last. Never rejects: what is refused is told again. */
  async tellNow(): Promise<void> {
    const byUnit = new Map<string, Scopes>();
    for (const [scope, values] of Object.entries(this.#data)) {
      const tab = scope.split(":").at(-1) ?? scope;
      const unit = scope === "global" ? "global" : unitOfTab(tab);
      if (typeof values !== "object" || values === null || Object.keys(values).length === 0) continue;
      const scopes = byUnit.get(unit) ?? {};
      scopes[scope] = values;
      byUnit.set(unit, scopes);
    }
    const changed: Record<string, string> = {};
    for (const unit of new Set([...byUnit.keys(), ...this.#told.keys()])) {
      const scopes = byUnit.get(unit);
      const text = scopes === undefined ? "" : jsonWithin(scopes, maxContextBytes);
      if (text !== undefined && text !== (this.#told.get(unit) ?? "")) changed[unit] = text;
    }
    if (Object.keys(changed).length === 0) return;
    const isTaken = await this.#tell(changed).then(
      () => true,
      () => false,
    );
    if (!isTaken) return;
    for (const [unit, text] of Object.entries(changed)) {
      if (text === "") this.#told.delete(unit);
      else this.#told.set(unit, text);
    }
  }
}

/** JSON of a value that is small and plain enough; a flow may keep gigabytes, cycles and live objects in its context, and those are its own affair. */
export function jsonWithin(value: unknown, maxBytes: number): string | undefined {
  if (!isSmall(value, { left: maxBytes }, 0)) return undefined;
  try {
    const text = JSON.stringify(value);
    return Buffer.byteLength(text) <= maxBytes ? text : undefined;
  } catch {
    // A cycle, a BigInt, or a method of the flow's own that throws.
    return undefined;
  }
}

/** Looks at no more than would fit. */
function isSmall(value: unknown, budget: { left: number }, depth: number): boolean {
  budget.left -= typeof value === "string" ? value.length + 2 : 2;
  if (budget.left < 0 || depth > maxDepth) return false;
  if (typeof value !== "object" || value === null) return true;
  if (ArrayBuffer.isView(value)) {
    budget.left -= value.byteLength * 2;
    return budget.left >= 0;
  }
  if (Array.isArray(value)) return value.length <= budget.left && value.every((one) => isSmall(one, budget, depth + 1));
  for (const key in value) {
    budget.left -= key.length + 2;
    if (!isSmall((value as Readonly<Record<string, unknown>>)[key], budget, depth + 1)) return false;
  }
  return true;
}
