import { type CheckDefinition, type CheckType, checkTypes } from "#model/check.ts";
import type { CheckRules, CheckTraffic } from "#ports/checks.ts";
import { escapePointer, type Schema } from "./json-schema.ts";
import type { Report } from "./load-document.ts";
import { quoted, type Source } from "./source.ts";
import { nearest } from "./spelling.ts";
import { at, entriesOf, itemsOf, type Mapping, textOf } from "./untyped.ts";
import { problemsOf } from "./violations.ts";

const shownGreedy = 3;

/** What the schema cannot say of `checks`: settings by type, sense, names, and whether all of them fit the budget at their worst. */
export function checkChecks(document: unknown, rules: CheckRules, source: Source, report: Report): void {
  const places = new Map<string, number>();
  const equipment = new Set(itemsOf(at(document, "equipment")).map(([, entry]) => textOf(entry.id)));
  const costs: Cost[] = [];
  for (const [index, entry] of itemsOf(at(document, "checks"))) {
    const pointer = `/checks/${index}`;
    const id = textOf(entry.id);
    const first = id === undefined ? undefined : places.get(id);
    if (id !== undefined && first !== undefined) report(`${pointer}/id`, `${quoted(id)} is the id of /checks/${first} already`);
    else if (id !== undefined) places.set(id, index);
    const owner = textOf(entry.equipment);
    if (owner !== undefined && !equipment.has(owner)) report(`${pointer}/equipment`, unknown("equipment", owner, [...equipment]));
    const definition = definitionOf(entry, rules, (violations, schema) => {
      for (const problem of problemsOf(violations, schema, source, `${pointer}/settings`)) report(problem.pointer, problem.sentence);
    });
    if (definition === undefined) continue;
    for (const problem of rules.basics(definition.value)) report(`${pointer}${problem.pointer}`, problem.sentence);
    if (!definition.isValid) continue;
    for (const problem of rules.problems(definition.value)) report(`${pointer}${problem.pointer}`, problem.sentence);
    checkCredential(definition.value, document, `${pointer}/settings/credential`, report);
    if (entry.enabled !== false) costs.push({ ...rules.estimate(definition.value), pointer, definition: definition.value });
  }
  checkBudget(costs, document, report);
}

/** A definition whose types are right; undefined when the schema has complained already. `isValid`: its settings are, too. */
function definitionOf(
  entry: Mapping,
  rules: CheckRules,
  complain: (violations: NonNullable<ReturnType<CheckRules["settings"]>["validate"]["errors"]>, schema: Schema) => void,
): { readonly value: CheckDefinition; readonly isValid: boolean } | undefined {
  const { type, target, intervalMs, timeoutMs, settings } = entry;
  if (!isCheckType(type) || typeof settings !== "object" || settings === null) return undefined;
  const { schema, validate } = rules.settings(type);
  const isValid = validate(settings);
  if (!isValid) complain(validate.errors ?? [], schema as Schema);
  if (typeof target !== "string" || typeof intervalMs !== "number" || typeof timeoutMs !== "number") return undefined;
  const vantage = textOf(entry.vantage);
  const value = { id: textOf(entry.id) ?? "", type, target, intervalMs, timeoutMs, settings: settings as Mapping };
  return { value: vantage === undefined ? value : { ...value, vantage }, isValid };
}

function isCheckType(type: unknown): type is CheckType {
  return checkTypes.some((known) => known === type);
}

function checkCredential({ settings }: CheckDefinition, document: unknown, pointer: string, report: Report): void {
  const name = textOf(settings.credential);
  if (name === undefined) return;
  const known = entriesOf(at(document, "credentials"));
  const entry = known.find(([key]) => key === name)?.[1];
  if (entry === undefined)
    report(
      pointer,
      unknown(
        "credential",
        name,
        known.map(([key]) => key),
      ),
    );
  else if (at(entry, "http") === undefined)
    report(pointer, `the credential ${quoted(name)} has no http entry (/credentials/${escapePointer(name)})`);
}

interface Cost extends CheckTraffic {
  readonly pointer: string;
  readonly definition: CheckDefinition;
}

function checkBudget(costs: readonly Cost[], document: unknown, report: Report): void {
  const limits = at(document, "limits");
  const bytesPerHour = at(limits, "checkBytesPerHour");
  const packetsPerSecond = at(limits, "checkPacketsPerSecond");
  const perHour = ({ bytes, definition }: Cost) => (bytes * 3_600_000) / definition.intervalMs;
  const perSecond = ({ packets, definition }: Cost) => (packets * 1_000) / definition.intervalMs;
  compare("bytes per hour", "checkBytesPerHour", bytesPerHour, perHour);
  compare("packets per second", "checkPacketsPerSecond", packetsPerSecond, perSecond);

  function compare(unit: string, key: string, limit: unknown, of: (cost: Cost) => number): void {
    if (typeof limit !== "number") return;
    const alone = costs.filter((cost) => of(cost) > limit);
    for (const cost of alone)
      report(cost.pointer, `may cost ${figure(of(cost))} ${unit}, more than limits.${key} allows all checks together (${limit})`);
    const total = costs.reduce((sum, cost) => sum + of(cost), 0);
    if (alone.length > 0 || total <= limit) return;
    const greedy = [...costs].sort((a, b) => of(b) - of(a)).slice(0, shownGreedy);
    const names = greedy.map((cost) => `${cost.definition.id} ${figure(of(cost))}`).join(", ");
    report(
      "/checks",
      `may cost ${figure(total)} ${unit} together, limits.${key} is ${limit}; most: ${names}. Run them less often, read less, or raise the limit`,
    );
  }
}

function figure(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}

function unknown(what: string, name: string, known: readonly (string | undefined)[]): string {
  const names = known.filter((one) => one !== undefined);
  const meant = nearest(name, names);
  const list = names.length === 0 ? "there is none" : `known: ${names.slice(0, 16).join(", ")}`;
  return `unknown ${what} ${quoted(name)}; ${meant === undefined ? list : `did you mean ${quoted(meant)}?`}`;
}
