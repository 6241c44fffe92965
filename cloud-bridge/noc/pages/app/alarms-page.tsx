import { useEffect, useRef, useState } from "preact/hooks";
import { formatMoment, type Zone, zoneLabel } from "#web/time.ts";
import type { AlarmView } from "../../registry/alarms.ts";
import type { NocShelf } from "../../store/alarms.ts";
import { AlarmDetails } from "./alarm-details.tsx";
import { ask, ServerError, serverNowMs, useLoaded } from "./server.ts";

export interface AlarmsAnswer {
  readonly nowMs: number;
  readonly alarms: readonly AlarmView[];
  readonly shelves: readonly NocShelf[];
}

type Scope = "incidents" | "active" | "all";

const scopes: readonly (readonly [Scope, string])[] = [
  ["incidents", "Incidents"],
  ["active", "All active"],
  ["all", "With cleared"],
];

export const severityMarks: Readonly<Record<string, string>> = {
  critical: "mark bad",
  major: "mark bad",
  minor: "mark warn",
  warning: "mark warn",
};

interface AlarmsPageProps {
  readonly version: number;
  readonly zone: Zone;
  readonly onError: (error: ServerError) => void;
  readonly onGateway: (gateway: string, equipment: string | undefined) => void;
}

/** Alarms of all gateways: one line each, with keys for the frequent things. */
export function AlarmsPage(props: AlarmsPageProps) {
  const [scope, setScope] = useState<Scope>("incidents");
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const searchField = useRef<HTMLInputElement>(null);
  const query = new URLSearchParams({ state: scope === "all" ? "all" : "active", incidents: String(scope === "incidents"), limit: "1000" });
  if (search.trim() !== "") query.set("search", search.trim());
  const loaded = useLoaded<AlarmsAnswer>(`/api/alarms?${query}`, props.version, props.onError);
  const alarms = loaded.value?.alarms ?? [];
  const selected = alarms.find((alarm) => idOf(alarm) === chosen);
  const run = (work: Promise<unknown>) => settle(work, setProblem, loaded.reload);
  const act = (alarm: AlarmView, action: string, body: Readonly<Record<string, unknown>> = {}) => {
    const path = `/api/gateways/${encodeURIComponent(alarm.gateway)}/alarms/${encodeURIComponent(alarm.key)}/${action}`;
    run(ask(`${path}?tenant=${encodeURIComponent(alarm.tenant)}`, { method: "POST", body: JSON.stringify(body) }));
  };
  const move = (step: number) => {
    const at = alarms.findIndex((alarm) => idOf(alarm) === chosen);
    const next = alarms[Math.min(alarms.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    if (next === undefined) return;
    setChosen(idOf(next));
    document.getElementById(`alarm ${idOf(next)}`)?.focus();
  };
  const keys: Readonly<Record<string, () => void>> = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    a: () => selected !== undefined && act(selected, selected.ack === null ? "acknowledge" : "unacknowledge"),
    Escape: () => setChosen(undefined),
    "/": () => searchField.current?.focus(),
  };
  useKeys(keys);
  return (
    <main class="alarms-page">
      <section class="card" aria-labelledby="alarms-title">
        <header>
          <h2 id="alarms-title">Alarms{alarms.length > 0 ? ` (${alarms.length})` : ""}</h2>
          <fieldset class="button-group" aria-label="Which alarms">
            {scopes.map(([value, label]) => (
              <button key={value} type="button" class="button" aria-pressed={scope === value} onClick={() => setScope(value)}>
                {label}
              </button>
            ))}
          </fieldset>
          <input
            ref={searchField}
            class="field"
            type="search"
            placeholder="Search"
            aria-label="Search alarms"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </header>
        {problem === undefined ? null : (
          <p class="problem empty" role="alert">
            {problem}
          </p>
        )}
        <div class="scroll">
          <AlarmTable
            alarms={loaded.value === undefined ? undefined : alarms}
            chosen={chosen}
            zone={props.zone}
            scope={scope}
            onChoose={setChosen}
          />
        </div>
      </section>
      {selected === undefined ? null : <AlarmDetails key={idOf(selected)} alarm={selected} {...props} onAct={act} onRun={run} />}
      <Shelves
        shelves={loaded.value?.shelves ?? []}
        zone={props.zone}
        onRemove={(id) => run(ask(`/api/alarm-shelves/${encodeURIComponent(id)}`, { method: "DELETE" }))}
      />
      <p class="muted key-help">
        Times in {zoneLabel(props.zone, serverNowMs())}. Keys: <kbd>j</kbd> <kbd>k</kbd> move, <kbd>Enter</kbd> opens, <kbd>a</kbd>{" "}
        acknowledges, <kbd>/</kbd> searches, <kbd>Esc</kbd> closes.
      </p>
    </main>
  );
}

/** What the server refuses is shown; what it did is loaded. */
function settle(work: Promise<unknown>, onProblem: (problem: string | undefined) => void, onDone: () => void): void {
  work.then(
    () => {
      onProblem(undefined);
      onDone();
    },
    (error: unknown) => {
      if (!(error instanceof ServerError)) throw error;
      onProblem(error.message);
    },
  );
}

function idOf(alarm: AlarmView): string {
  return `${alarm.tenant}/${alarm.gateway}/${alarm.key}`;
}

/** Keys work wherever nothing is being typed. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  const present = useRef(keys);
  present.current = keys;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target;
      const types = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
      if (types && event.key !== "Escape") return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = present.current[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

interface AlarmTableProps {
  readonly alarms: readonly AlarmView[] | undefined;
  readonly chosen: string | undefined;
  readonly zone: Zone;
  readonly scope: Scope;
  readonly onChoose: (id: string | undefined) => void;
}

function AlarmTable(props: AlarmTableProps) {
  const nowMs = serverNowMs();
  if (props.alarms === undefined) return <p class="empty">Loading.</p>;
  if (props.alarms.length === 0)
    return <p class="empty">{props.scope === "incidents" ? "Nothing is wrong that nobody looks after." : "No alarms."}</p>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Severity</th>
          <th scope="col">Since</th>
          <th scope="col">Where</th>
          <th scope="col">What</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {props.alarms.map((alarm) => {
          const id = idOf(alarm);
          return (
            <tr key={id} class={id === props.chosen ? "chosen" : ""}>
              <td>
                <span class={alarm.cleared ? "mark off" : (severityMarks[alarm.severity] ?? "mark off")}>
                  {alarm.cleared ? `cleared ${alarm.severity}` : alarm.severity}
                </span>
              </td>
              <td class="nowrap">{alarm.undated ? "clock not set" : formatMoment(alarm.raisedMs, nowMs, props.zone)}</td>
              <td>
                <b>{alarm.name === "" ? alarm.gateway : alarm.name}</b> <span class="muted">{alarm.gateway}</span>
                {alarm.path === "" ? null : <div class="muted mono">{alarm.path}</div>}
              </td>
              <td>
                <button
                  type="button"
                  class="row-button"
                  id={`alarm ${id}`}
                  aria-expanded={id === props.chosen}
                  onClick={() => props.onChoose(id === props.chosen ? undefined : id)}
                >
                  {alarm.text === "" ? alarm.type : alarm.text}
                </button>
                {alarm.verdict === null ? null : (
                  <div class="muted">
                    {alarm.verdict.domain}: {alarm.verdict.text}
                  </div>
                )}
              </td>
              <td>{stateOf(alarm)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** In words: what a colour alone would say is said as well. */
function stateOf(alarm: AlarmView): string {
  const words = [
    ...[alarm.ack === null ? "" : `${alarm.ack.by} looks after it`, alarm.closed === null ? "" : `closed by ${alarm.closed.by}`],
    ...[alarm.root === null ? "" : "follows another", alarm.followers === 0 ? "" : `${alarm.followers} follow`],
    ...[alarm.maintenance === "" ? "" : "planned work", alarm.shelved === null ? "" : "shelved", alarm.flapping ? "flapping" : ""],
    ...[alarm.stale ? "gateway offline: as it was" : "", alarm.told.length === 0 ? "" : `gateway told ${alarm.told.join(", ")}`],
  ].filter((word) => word !== "");
  return words.join(", ");
}

function Shelves(props: { readonly shelves: readonly NocShelf[]; readonly zone: Zone; readonly onRemove: (id: string) => void }) {
  const nowMs = serverNowMs();
  if (props.shelves.length === 0) return null;
  return (
    <section class="card" aria-labelledby="shelves-title">
      <header>
        <h2 id="shelves-title">Put aside</h2>
      </header>
      <ul class="lines">
        {props.shelves.map((shelf) => (
          <li key={shelf.id}>
            <span class="mark off">until {formatMoment(shelf.untilMs, nowMs, props.zone)}</span>
            <span class="line-text">
              <b>{shelf.gateway ?? "all gateways"}</b> {Object.values(shelf.match).join(" ")}
              <span class="muted">
                {" "}
                {shelf.reason} ({shelf.by})
              </span>
            </span>
            <button type="button" class="button quiet" onClick={() => props.onRemove(shelf.id)}>
              Take back
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
