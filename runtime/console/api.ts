import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Editor } from "#ports/editor.ts";
import type { HistorySeries } from "#ports/history.ts";
import { readJson, sendJson } from "./answers.ts";
import { type ConsoleSession, editorPerson } from "./sessions.ts";
import type { ConsoleScope, ConsoleSource } from "./source.ts";

const maxPoints = 1_000;
const maxSeriesShown = 5_000;

/** One question of the page to a signed-in person's account. */
export interface Question {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly session: ConsoleSession;
}

type Route = (question: Question, parts: ApiParts, signal: AbortSignal) => Promise<void>;

export interface ApiParts {
  readonly source: ConsoleSource;
  readonly clock: Clock;
  readonly gateway: { readonly id: string; readonly site: string; readonly tenant: string; readonly version: string };
  readonly editor?: Editor;
}

/** What the page may ask for once somebody is signed in, by method and path. */
export const apiRoutes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ["GET /api/overview", overview],
  ["GET /api/history/series", historySeries],
  ["GET /api/history/points", historyPoints],
  ["POST /api/command", command],
  ["POST /api/editor", openEditor],
]);

async function overview({ response, session }: Question, { source, clock, gateway, editor }: ApiParts): Promise<void> {
  const status = await source.status();
  sendJson(response, 200, {
    nowMs: clock.now().wallMs,
    gateway,
    person: session.person,
    scopes: [...session.scopes],
    hasEditor: editor !== undefined,
    status,
    alarms: source.alarms?.() ?? [],
    verdict: source.verdict?.(),
    checks: source.checks?.() ?? [],
    services: source.services?.() ?? [],
  });
}

async function historySeries({ response, url }: Question, { source }: ApiParts): Promise<void> {
  const history = keptBy(source);
  const series = await history.series(url.searchParams.get("equipment") ?? undefined);
  sendJson(response, 200, {
    series: series.slice(0, maxSeriesShown),
    more: Math.max(0, series.length - maxSeriesShown),
    undated: await history.undated(series.length === 0),
  });
}

async function historyPoints({ response, url }: Question, { source }: ApiParts): Promise<void> {
  const history = keptBy(source);
  const wanted = url.searchParams;
  const fromMs = Number(wanted.get("from"));
  const toMs = Number(wanted.get("to"));
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs) || fromMs >= toMs)
    throw new GatewayError("command.refused", { message: "from and to must be Unix milliseconds, from before to" });
  const series = (await history.series(wanted.get("equipment") ?? "")).find((one) => isWanted(one, wanted));
  if (series === undefined) throw new GatewayError("command.refused", { message: "no such series is kept on this gateway" });
  sendJson(response, 200, { series, fromMs, toMs, ...(await history.read({ series, fromMs, toMs, maxPoints })) });
}

function isWanted(series: HistorySeries, wanted: URLSearchParams): boolean {
  return series.table === wanted.get("table") && series.rowKey === wanted.get("row") && series.metric === wanted.get("metric");
}

function keptBy(source: ConsoleSource): NonNullable<ConsoleSource["history"]> {
  if (source.history === undefined)
    throw new GatewayError("command.refused", { message: "this gateway keeps no history (history.enabled is false)" });
  return source.history;
}

async function command({ request, response, session }: Question, { source }: ApiParts, signal: AbortSignal): Promise<void> {
  demand(session, "operate");
  const { operation, args } = await readJson(request);
  if (typeof operation !== "string" || typeof args !== "object" || args === null)
    throw new GatewayError("command.refused", { message: "operation and args are needed" });
  if (source.command === undefined) throw new GatewayError("command.refused", { message: "this gateway takes no commands" });
  sendJson(response, 200, { output: await source.command(operation, args as Readonly<Record<string, unknown>>, session.person, signal) });
}

async function openEditor({ response, session }: Question, { editor }: ApiParts, signal: AbortSignal): Promise<void> {
  demand(session, "flows.read");
  if (editor === undefined) throw new GatewayError("command.refused", { message: "this gateway runs no flows" });
  const { path, expiresInMs } = await editor.open(editorPerson(session), signal);
  sendJson(response, 200, { path, expiresInMs });
}

/** @throws GatewayError command.refused */
export function demand(session: ConsoleSession, scope: ConsoleScope): void {
  if (!session.scopes.has(scope))
    throw new GatewayError("command.refused", { message: `${session.person} is not allowed to do this: the scope ${scope} is missing` });
}
