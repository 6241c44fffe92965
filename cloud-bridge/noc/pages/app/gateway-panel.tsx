import type { CheckView } from "../../registry/checks.ts";
import type { LastValueView } from "../../registry/last-values.ts";
import type { GatewayLedger } from "../../registry/ledger.ts";
import type { EquipmentView, GatewayView } from "../../registry/overview.ts";
import type { AlarmRow, EventRow } from "../../store/rows.ts";
import { ChecksTable } from "./checks-table.tsx";
import { EquipmentTable } from "./equipment-table.tsx";
import { GatewayFacts, LedgerLine } from "./gateway-facts.tsx";
import { Incidents } from "./incidents.tsx";
import { type PlotAnswer, PlotPanel } from "./plot-panel.tsx";
import { type ServerError, useLoaded } from "./server.ts";
import { ServicesPanel } from "./services-panel.tsx";
import { ValuesTable } from "./values-table.tsx";
import { maxSeries, type ViewState } from "./view-state.ts";

interface GatewayPanelProps {
  readonly gateway: GatewayView;
  /** Grows when the gateway's data changed. */
  readonly version: number;
  readonly view: ViewState;
  readonly onView: (change: Partial<ViewState>) => void;
  readonly onError: (error: ServerError) => void;
}

const valuesLimit = 200;

/** Everything about the chosen gateway. */
export function GatewayPanel(props: GatewayPanelProps) {
  const { gateway, version, view, onView, onError } = props;
  const address = (rest: string, parameters: Readonly<Record<string, string | number | undefined>> = {}) => {
    const query = new URLSearchParams({ tenant: gateway.tenant });
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== "") query.set(name, String(value));
    return `/api/gateways/${encodeURIComponent(gateway.id)}/${rest}?${query}`;
  };
  const equipment = useLoaded<{ readonly equipment: readonly EquipmentView[] }>(address("equipment"), version, onError);
  const ledger = useLoaded<GatewayLedger>(address("ledger"), version, onError);
  const alarms = useLoaded<{ readonly alarms: readonly AlarmRow[] }>(address("alarms"), version, onError);
  const checks = useLoaded<{ readonly checks: readonly CheckView[] }>(address("checks"), version, onError);
  const events = useLoaded<{ readonly events: readonly EventRow[] }>(address("events"), version, onError);
  const valuesPath = address("values", { equipment: view.equipment, search: view.search, limit: valuesLimit });
  const values = useLoaded<{ readonly values: readonly LastValueView[] }>(valuesPath, version, onError);
  const span = view.span === undefined ? { last: view.rangeMs } : { from: view.span.fromMs, to: view.span.toMs };
  const pointsPath = view.series.length === 0 ? undefined : address("points", { series: view.series.join(","), ...span });
  // A fixed span in the past changes only when late data comes; it is cheap enough to follow anyway.
  const points = useLoaded<PlotAnswer>(pointsPath, version, onError);
  const plot = (series: number, on: boolean) => {
    const others = view.series.filter((one) => one !== series);
    onView({ series: on ? [...others, series].slice(-maxSeries) : others });
  };
  return (
    <>
      <GatewayFacts gateway={gateway} zone={view.zone} />
      <LedgerLine ledger={ledger.value} />
      <div class="columns">
        <EquipmentTable equipment={equipment.value?.equipment} selected={view.equipment} onSelect={(id) => onView({ equipment: id })} />
        <Incidents alarms={alarms.value?.alarms} events={events.value?.events} zone={view.zone} />
      </div>
      <ServicesPanel tenant={gateway.tenant} gateway={gateway.id} version={version} zone={view.zone} onError={onError} />
      <ChecksTable checks={checks.value?.checks} onSelect={(id) => onView({ equipment: id })} />
      <PlotPanel answer={points.value} view={view} onView={onView} />
      <ValuesTable
        values={values.value?.values}
        limit={valuesLimit}
        equipment={view.equipment}
        search={view.search}
        onSearch={(search) => onView({ search })}
        plotted={view.series}
        onPlot={plot}
      />
    </>
  );
}
