import type { AlarmComment, NocShelf, OperatorState } from "../store/alarms.ts";
import type { AlarmRow, GatewayRow, JsonObject } from "../store/rows.ts";
import type { StoreQueries } from "../store/store.ts";

/** One alarm as an operator sees it: the gateway's word, and what operators said. Times are Unix ms. */
export interface AlarmView {
  readonly tenant: string;
  readonly gateway: string;
  readonly key: string;
  readonly instance: string;
  readonly severity: string;
  readonly cleared: boolean;
  readonly equipment: string;
  readonly name: string;
  readonly path: string;
  readonly label: string;
  readonly type: string;
  readonly text: string;
  readonly cause: string;
  readonly repair: string;
  readonly raisedMs: number;
  readonly changedMs: number;
  readonly undated: boolean;
  readonly changes: number;
  /** The alarm it follows from: its key, and its text if the NOC has it. */
  readonly root: { readonly key: string; readonly text: string } | null;
  /** Alarms that follow from it. */
  readonly followers: number;
  readonly flapping: boolean;
  readonly maintenance: string;
  readonly shelved: { readonly by: string; readonly untilMs: number | null; readonly reason: string } | null;
  readonly verdict: { readonly domain: string; readonly text: string; readonly evidence: readonly string[] } | null;
  readonly ack: { readonly by: string; readonly atMs: number } | null;
  readonly closed: { readonly by: string; readonly atMs: number } | null;
  /** Systems the gateway told itself. */
  readonly told: readonly string[];
  /** The gateway is offline: this is how it was. */
  readonly stale: boolean;
  /** Counts: its own cause, not planned, not put aside, not closed. */
  readonly incident: boolean;
}

export interface AlarmFilter {
  readonly tenant?: string | undefined;
  readonly gateway?: GatewayRow | undefined;
  readonly state: "active" | "cleared" | "all";
  readonly severity?: string | undefined;
  readonly search?: string | undefined;
  readonly incidentsOnly: boolean;
  readonly limit: number;
  readonly nowMs: number;
}

const ranks: Readonly<Record<string, number>> = { critical: 4, major: 3, minor: 2, warning: 1, indeterminate: 0 };
/** Rows that are looked at; filters come after. */
const maxRows = 5_000;

/** Most severe first, then newest. */
export async function viewAlarms(read: StoreQueries, filter: AlarmFilter): Promise<readonly AlarmView[]> {
  const gateways = new Map((await read.gateways()).map((row) => [row.ref, row]));
  const query = { tenant: filter.tenant, gatewayRef: filter.gateway?.ref, state: filter.state, limit: maxRows } as const;
  const rows = await read.alarmDesk.alarms(query);
  const operators = await read.alarmDesk.operators([...new Set(rows.map((row) => row.gatewayRef))]);
  const context: Context = {
    gateways,
    operators: new Map(operators.map((one) => [`${one.gatewayRef} ${one.key}`, one])),
    shelves: (await read.alarmDesk.shelves()).filter((shelf) => shelf.untilMs > filter.nowMs),
    byKey: new Map(rows.map((row) => [`${row.gatewayRef} ${row.key}`, row])),
    followers: countFollowers(rows),
  };
  return rows
    .map((row) => viewOf(row, context))
    .filter((view) => fits(view, filter))
    .sort((a, b) => Number(a.cleared) - Number(b.cleared) || (ranks[b.severity] ?? 0) - (ranks[a.severity] ?? 0) || b.raisedMs - a.raisedMs)
    .slice(0, filter.limit);
}

/** What operators see of one alarm besides the list's line. */
export interface AlarmDetail {
  readonly comments: readonly AlarmComment[];
  readonly body: JsonObject;
}

export async function viewAlarmDetail(read: StoreQueries, gateway: GatewayRow, key: string): Promise<AlarmDetail | undefined> {
  const [row] = await read.alarmDesk.alarms({ gatewayRef: gateway.ref, key, state: "all", limit: 1 });
  if (row === undefined) return undefined;
  return { comments: await read.alarmDesk.comments(gateway.ref, key, 200), body: row.body };
}

interface Context {
  readonly gateways: ReadonlyMap<number, GatewayRow>;
  readonly operators: ReadonlyMap<string, OperatorState>;
  readonly shelves: readonly NocShelf[];
  readonly byKey: ReadonlyMap<string, AlarmRow>;
  readonly followers: ReadonlyMap<string, number>;
}

function viewOf(row: AlarmRow, context: Context): AlarmView {
  const gateway = context.gateways.get(row.gatewayRef);
  const { body } = row;
  const resource = objectOf(body["res"]);
  const operator = context.operators.get(`${row.gatewayRef} ${row.key}`);
  const own = operator?.instance === row.instance ? operator : undefined;
  const rootKey = textOf(body["root"]);
  const shelved = shelfOf(row, gateway, context.shelves);
  const closed =
    own?.closedBy === undefined || isWorse(row.severity, own.closedSeverity) ? null : { by: own.closedBy, atMs: own.closedMs ?? 0 };
  const maintenance = textOf(body["maint"]);
  const isRoot = rootKey === "";
  return {
    ...{ tenant: gateway?.tenant ?? "", gateway: gateway?.id ?? "", key: row.key, instance: row.instance, severity: row.severity },
    ...{ cleared: row.cleared, equipment: row.equipment, name: textOf(resource["name"]) || row.equipment, path: row.path, type: row.type },
    ...{ label: textOf(resource["label"]), text: row.text, cause: textOf(body["cause"]), repair: textOf(body["repair"]), shelved, closed },
    ...{ raisedMs: row.raisedMs, changedMs: row.changedMs, undated: row.undated !== undefined, maintenance },
    changes: typeof body["n"] === "number" ? body["n"] : 1,
    root: isRoot ? null : { key: rootKey, text: context.byKey.get(`${row.gatewayRef} ${rootKey}`)?.text ?? "" },
    followers: context.followers.get(`${row.gatewayRef} ${row.key}`) ?? 0,
    flapping: typeof body["flap"] === "number" && body["flap"] > 0,
    verdict: verdictOf(body),
    ack: own?.ackBy === undefined ? null : { by: own.ackBy, atMs: own.ackMs ?? 0 },
    told: Array.isArray(body["told"]) ? body["told"].filter((one): one is string => typeof one === "string") : [],
    stale: gateway?.online === false && row.type !== "gatewayOffline",
    incident: !row.cleared && isRoot && maintenance === "" && shelved === null && closed === null,
  };
}

function fits(view: AlarmView, { severity, search, incidentsOnly }: AlarmFilter): boolean {
  if (incidentsOnly && !view.incident) return false;
  if (severity !== undefined && (ranks[view.severity] ?? 0) < (ranks[severity] ?? 0)) return false;
  if (search === undefined || search.trim() === "") return true;
  const text = [view.gateway, view.equipment, view.name, view.path, view.label, view.type, view.text].join(" ").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function countFollowers(rows: readonly AlarmRow[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { gatewayRef, cleared, body } of rows) {
    const root = textOf(body["root"]);
    if (root !== "" && !cleared) counts.set(`${gatewayRef} ${root}`, (counts.get(`${gatewayRef} ${root}`) ?? 0) + 1);
  }
  return counts;
}

function shelfOf(row: AlarmRow, gateway: GatewayRow | undefined, shelves: readonly NocShelf[]): AlarmView["shelved"] {
  const own = shelves.find(
    (shelf) =>
      shelf.tenant === gateway?.tenant && (shelf.gateway === undefined || shelf.gateway === gateway.id) && matches(shelf.match, row),
  );
  if (own !== undefined) return { by: own.by, untilMs: own.untilMs, reason: own.reason };
  return textOf(row.body["shelved"]) === "" ? null : { by: "site", untilMs: null, reason: "" };
}

export function matches(match: NocShelf["match"], row: Pick<AlarmRow, "key" | "equipment" | "type" | "path">): boolean {
  const parts = Object.entries(match).filter(([, wanted]) => wanted !== undefined);
  return parts.length > 0 && parts.every(([name, wanted]) => isLike(row[name as keyof typeof match] ?? "", wanted));
}

function isLike(text: string, wanted: string): boolean {
  return wanted.endsWith("*") ? text.startsWith(wanted.slice(0, -1)) : text === wanted;
}

function isWorse(now: string, then: string | undefined): boolean {
  return then !== undefined && (ranks[now] ?? 0) > (ranks[then] ?? 0);
}

function verdictOf(body: JsonObject): AlarmView["verdict"] {
  const verdict = objectOf(objectOf(body["attrs"])["verdict"] ?? body["verdict"]);
  const domain = textOf(verdict["domain"]);
  if (domain === "") return null;
  const evidence = Array.isArray(verdict["evidence"]) ? verdict["evidence"].slice(0, 12).map((one) => textOf(objectOf(one)["text"])) : [];
  return { domain, text: textOf(verdict["text"]), evidence: evidence.filter((one) => one !== "") };
}

function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 4_096) : "";
}
