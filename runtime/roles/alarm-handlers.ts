import { GatewayError } from "#model/errors.ts";
import type { Verdict } from "#model/verdict.ts";
import type { AlarmMatch, Alarms } from "#ports/alarms.ts";
import type { AlarmEngine } from "../alarms/alarm-engine.ts";
import { isIncident } from "../alarms/instance.ts";
import type { ControlHandler } from "../host/control-server.ts";

type Arguments = Readonly<Record<string, unknown>>;

/** What the control socket answers about alarms: list, history, shelves, maintenance, verdict. */
export function alarmHandlers(engine: Pick<AlarmEngine, "list" | "verdict" | "closeByPerson">): Readonly<Record<string, ControlHandler>> {
  const { list } = engine;
  return {
    alarms: async () => ({ alarms: list.active(), shelves: list.shelves(), maintenance: list.maintenance(), verdict: engine.verdict() }),
    "alarm-history": async (args) => ({ changes: list.history(historyQuery(args)) }),
    "alarm-shelve": async (args) => list.shelve({ match: matchOf(args), untilMs: numberOf(args, "untilMs"), ...said(args) }),
    "alarm-unshelve": async (args) => ({ done: list.unshelve(textOf(args, "id") ?? "") }),
    "maintenance-start": async (args) => {
      const match = matchOf(args);
      const span = { fromMs: numberOf(args, "fromMs"), toMs: numberOf(args, "toMs") };
      return list.startMaintenance({ ...span, ...said(args), ...(Object.keys(match).length === 0 ? {} : { match }) });
    },
    "maintenance-end": async (args) => ({ done: list.endMaintenance(textOf(args, "id") ?? "") }),
    "alarm-close": async (args) => ({ closed: engine.closeByPerson(matchOf(args), textOf(args, "by") ?? "site") }),
  };
}

/** For `gatehouse status`. */
export function alarmStatus(engine: Pick<AlarmEngine, "list" | "verdict">): unknown {
  const active = engine.list.active();
  const { held, lost } = engine.list.storm;
  return {
    active: active.length,
    incidents: active.filter(isIncident).length,
    bySeverity: Object.fromEntries(
      ["critical", "major", "minor", "warning"].map((severity) => [severity, active.filter((one) => one.severity === severity).length]),
    ),
    heldBack: held,
    lost,
    incidentList: active
      .filter(isIncident)
      .slice(0, 20)
      .map(({ severity, equipment, path, type, text, raisedAt }) => ({
        severity,
        equipment: equipment ?? "",
        path,
        type,
        text,
        raisedMs: raisedAt.wallMs,
      })),
  };
}

/** As the site's own page shows it; undefined = nothing is wrong. */
export function consoleVerdict({ domain, text, evidence }: Verdict) {
  if (domain === "none") return { cause: "none", sentence: "", evidence: [] };
  return { cause: domain, sentence: text, evidence: evidence.map((one) => one.text) };
}

function historyQuery(args: Arguments): Parameters<Alarms["history"]>[0] {
  const { fromMs, toMs, limit } = args;
  const equipment = textOf(args, "equipment");
  const key = textOf(args, "key");
  return {
    ...(typeof fromMs === "number" ? { fromMs } : {}),
    ...(typeof toMs === "number" ? { toMs } : {}),
    ...(typeof limit === "number" ? { limit } : {}),
    ...(equipment === undefined ? {} : { equipment }),
    ...(key === undefined ? {} : { key }),
  };
}

function matchOf(args: Arguments): AlarmMatch {
  const names = ["key", "equipment", "type", "path"] as const;
  return Object.fromEntries(names.flatMap((name) => (textOf(args, name) === undefined ? [] : [[name, textOf(args, name)]])));
}

function said(args: Arguments): { readonly reason: string; readonly by: string } {
  return { reason: textOf(args, "reason") ?? "", by: textOf(args, "by") ?? "site" };
}

function textOf(args: Arguments, name: string): string | undefined {
  const value = args[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function numberOf(args: Arguments, name: string): number {
  const value = args[name];
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new GatewayError("command.refused", { message: `${name} must be a time in milliseconds` });
  return value;
}
