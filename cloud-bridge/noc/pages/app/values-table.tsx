import { useEffect, useState } from "preact/hooks";
import { later } from "#web/browser-clock.ts";
import { formatAge } from "#web/time.ts";
import { formatValue } from "#web/units.ts";
import type { LastValueView } from "../../registry/last-values.ts";
import { serverNowMs } from "./server.ts";
import { maxSeries } from "./view-state.ts";

interface ValuesProps {
  readonly values: readonly LastValueView[] | undefined;
  readonly limit: number;
  readonly equipment: string | undefined;
  readonly search: string;
  readonly onSearch: (search: string) => void;
  readonly plotted: readonly number[];
  readonly onPlot: (series: number, on: boolean) => void;
}

/** UCUM unit of a shown value: counters are shown per second. */
export function shownUnit(value: Pick<LastValueView, "kind" | "unit">): string {
  return value.kind === "c" ? `${value.unit === "" ? "1" : value.unit}/s` : value.unit;
}

export function rowName(value: Pick<LastValueView, "rowKey" | "labels">): string {
  return value.labels["ifName"] ?? value.labels["ifDescr"] ?? value.labels["name"] ?? value.rowKey;
}

/** Last values with search; ticking one puts it into the plot. */
export function ValuesTable(props: ValuesProps) {
  const nowMs = serverNowMs();
  const [text, setText] = useState(props.search);
  useEffect(() => setText(props.search), [props.search]);
  // Typing must not ask the server at every key.
  useEffect(() => (text === props.search ? undefined : later(200, () => props.onSearch(text))), [text]);
  const values = props.values;
  return (
    <section class="card values" aria-labelledby="values-title">
      <header>
        <h2 id="values-title">Last values{props.equipment === undefined ? "" : ` of ${props.equipment}`}</h2>
        <input
          class="field"
          type="search"
          aria-label="Search values"
          placeholder="Search, e.g. octets Gi1/0/1"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </header>
      {values === undefined || values.length === 0 ? (
        <p class="empty">{values === undefined ? "Loading." : props.search === "" ? "No values yet." : "Nothing matches the search."}</p>
      ) : (
        <div class="scroll limited tall">
          <table class="table">
            <thead>
              <tr>
                <th>Plot</th>
                <th>Equipment</th>
                <th>Table</th>
                <th>Row</th>
                <th>Metric</th>
                <th class="number">Value</th>
                <th class="number">Age</th>
              </tr>
            </thead>
            <tbody>
              {values.map((value) => (
                <ValueRow key={value.series} value={value} nowMs={nowMs} plotted={props.plotted} onPlot={props.onPlot} />
              ))}
            </tbody>
          </table>
          {values.length >= props.limit ? <p class="empty">The first {props.limit} are shown; search to narrow them.</p> : null}
        </div>
      )}
    </section>
  );
}

function ValueRow(props: Pick<ValuesProps, "plotted" | "onPlot"> & { readonly value: LastValueView; readonly nowMs: number }) {
  const { value, nowMs, plotted } = props;
  const on = plotted.includes(value.series);
  const name = `${value.equipment} ${rowName(value)} ${value.metric}`;
  return (
    <tr>
      <td>
        {value.kind === "s" ? null : (
          <input
            type="checkbox"
            aria-label={`Plot ${name}`}
            checked={on}
            disabled={!on && plotted.length >= maxSeries}
            onChange={(event) => props.onPlot(value.series, event.currentTarget.checked)}
          />
        )}
      </td>
      <td class="nowrap">{value.equipment}</td>
      <td class="muted">{value.table}</td>
      <td>{rowName(value)}</td>
      <td>{value.metric}</td>
      <td class="number value">{shownValue(value)}</td>
      <td class="number muted">{value.atMs === null ? "" : formatAge(value.atMs, nowMs)}</td>
    </tr>
  );
}

function shownValue(value: LastValueView): string {
  if (value.value === null) return value.kind === "c" ? "no rate yet" : "unknown";
  if (typeof value.value === "string") return value.value;
  return value.text ?? formatValue(value.value, shownUnit(value));
}
