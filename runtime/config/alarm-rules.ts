import type { Report } from "./load-document.ts";
import { quoted } from "./source.ts";
import { at, itemsOf, type Mapping, textOf } from "./untyped.ts";

const numeric: ReadonlySet<string> = new Set(["threshold", "rate", "change", "share"]);
/** Keys that mean something for one kind only. */
const keysOfKind: Readonly<Record<string, readonly string[]>> = {
  of: ["share", "forecast"],
  above: [...numeric],
  below: [...numeric],
  clear: [...numeric],
  states: ["state"],
  limit: ["forecast"],
  from: ["forecast"],
  withinDays: ["forecast"],
  percent: ["baseline"],
};

/** What the schema cannot say of `alarms`. */
export function checkAlarms(alarms: unknown, equipment: readonly string[], report: Report): void {
  const names = new Map<string, string>();
  for (const list of ["conditions", "rules", "maintenance"]) {
    for (const [index, entry] of itemsOf(at(alarms, list))) {
      const name = textOf(entry.name);
      const pointer = `/alarms/${list}/${index}`;
      if (name === undefined) continue;
      const first = names.get(`${list} ${name}`);
      if (first === undefined) names.set(`${list} ${name}`, pointer);
      else report(`${pointer}/name`, `${quoted(name)} is the name of ${first} already`);
    }
  }
  for (const [index, condition] of itemsOf(at(alarms, "conditions")))
    checkCondition(condition, `/alarms/conditions/${index}`, equipment, report);
  for (const [index, window] of itemsOf(at(alarms, "maintenance"))) checkWindow(window, `/alarms/maintenance/${index}`, equipment, report);
  for (const [index, port] of itemsOf(at(alarms, "ports"))) {
    const id = textOf(port.equipment);
    if (id !== undefined) checkEquipment(id, `/alarms/ports/${index}/equipment`, equipment, report);
  }
  for (const [index, rule] of itemsOf(at(alarms, "rules"))) {
    if (rule.action === "clear" && (rule.severity !== undefined || rule.text !== undefined))
      report(`/alarms/rules/${index}`, "a rule that clears has no severity and no text", "warning");
  }
}

function checkCondition(condition: Mapping, pointer: string, equipment: readonly string[], report: Report): void {
  const kind = textOf(condition.kind);
  if (kind === undefined) return;
  for (const [key, kinds] of Object.entries(keysOfKind)) {
    if (condition[key] !== undefined && !kinds.includes(kind)) report(`${pointer}/${key}`, `has no meaning for kind ${kind}`);
  }
  if (numeric.has(kind)) checkLimit(condition, pointer, report);
  if (kind === "share" && condition.of === undefined) report(pointer, 'a share needs "of": the metric that is the whole');
  if (kind === "baseline" && condition.percent === undefined) report(pointer, 'a baseline needs "percent"');
  if (kind === "forecast") {
    for (const key of ["limit", "from", "withinDays"]) if (condition[key] === undefined) report(pointer, `a forecast needs ${quoted(key)}`);
    if (condition.limit !== undefined && condition.limit === condition.from) report(`${pointer}/from`, "must differ from limit");
  }
  for (const [index, id] of texts(condition.equipment)) checkEquipment(id, `${pointer}/equipment/${index}`, equipment, report);
}

function checkLimit({ above, below, clear }: Mapping, pointer: string, report: Report): void {
  if ((above === undefined) === (below === undefined)) report(pointer, "needs either above or below");
  if (typeof clear !== "number") return;
  if (typeof above === "number" && clear > above) report(`${pointer}/clear`, "lies above the limit: it would never be good again");
  if (typeof below === "number" && clear < below) report(`${pointer}/clear`, "lies below the limit: it would never be good again");
}

function checkWindow(window: Mapping, pointer: string, equipment: readonly string[], report: Report): void {
  const once = ["from", "to"].filter((key) => window[key] !== undefined);
  const weekly = ["days", "at", "minutes"].filter((key) => window[key] !== undefined);
  if (once.length > 0 && weekly.length > 0) report(pointer, "is either once (from, to) or weekly (days, at, minutes)");
  else if (once.length === 1 || (once.length === 0 && weekly.length < 3)) report(pointer, "needs from and to, or days, at and minutes");
  const from = Date.parse(textOf(window.from) ?? "");
  const to = Date.parse(textOf(window.to) ?? "");
  if (window.from !== undefined && Number.isNaN(from)) report(`${pointer}/from`, "is no date that exists");
  if (window.to !== undefined && Number.isNaN(to)) report(`${pointer}/to`, "is no date that exists");
  if (from >= to) report(`${pointer}/to`, "must lie after from");
  for (const [index, id] of texts(window.equipment)) checkEquipment(id, `${pointer}/equipment/${index}`, equipment, report);
}

/** Equipment that discovery finds later is not known yet: a warning, no more. */
function checkEquipment(id: string, pointer: string, equipment: readonly string[], report: Report): void {
  const isKnown = id.endsWith("*") ? equipment.some((one) => one.startsWith(id.slice(0, -1))) : equipment.includes(id);
  if (!isKnown && !id.startsWith("check:") && !id.startsWith("_")) report(pointer, `${quoted(id)} is no configured equipment`, "warning");
}

function texts(list: unknown): readonly (readonly [number, string])[] {
  return Array.isArray(list) ? list.flatMap((entry, index) => (typeof entry === "string" ? [[index, entry] as const] : [])) : [];
}
