import { useEffect, useState } from "preact/hooks";
import type { CatalogueEntry } from "#ports/catalogue.ts";
import { formatMoment, type Zone } from "#web/time.ts";
import type { ServiceView } from "../../services/service-view.ts";
import { ask, ServerError, serverNowMs, useLoaded } from "./server.ts";
import { ServiceForm } from "./service-form.tsx";

interface ServicesPanelProps {
  readonly tenant: string;
  readonly gateway: string;
  readonly version: number;
  readonly zone: Zone;
  readonly onError: (error: ServerError) => void;
}

interface ServicesAnswer {
  readonly nowMs: number;
  /** Named when asking again, so that nothing is missed in between. */
  readonly news: number;
  readonly services: readonly ServiceView[];
}

/** What is being filled in: a service of the catalogue, or one that is active. */
interface Editing {
  readonly entry: CatalogueEntry;
  readonly known?: ServiceView;
}

const marks: Readonly<Record<ServiceView["state"], string>> = {
  "on its way": "mark warn",
  healthy: "mark good",
  refused: "mark bad",
  "rolled back": "mark bad",
  quarantined: "mark bad",
  waiting: "mark warn",
  "switched off": "mark off",
};
const waitMs = 15_000;

interface CatalogueAnswer {
  /** false = this NOC only listens: there are no services to show. */
  readonly orders: boolean;
  readonly services: readonly CatalogueEntry[];
}

/** Services of one gateway: what is active and how it is, and the catalogue to add from. */
export function ServicesPanel(props: ServicesPanelProps) {
  const catalogue = useLoaded<CatalogueAnswer>("/api/services", 0, props.onError);
  return catalogue.value?.orders === true ? <Services {...props} entries={catalogue.value.services} /> : null;
}

function Services(props: ServicesPanelProps & { readonly entries: readonly CatalogueEntry[] }) {
  const { entries } = props;
  const path = (rest: string) =>
    `/api/gateways/${encodeURIComponent(props.gateway)}/services${rest}?tenant=${encodeURIComponent(props.tenant)}`;
  const [answer, reload] = useServices(path(""), props);
  const [editing, setEditing] = useState<Editing | undefined>(undefined);
  const [choosing, setChoosing] = useState(false);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const change = (service: ServiceView) => {
    const entry = entries.find((one) => one.id === service.template.split("@")[0]);
    if (entry !== undefined) setEditing({ entry, known: service });
  };
  const deactivate = (service: ServiceView) => {
    if (!confirm(`Deactivate ${service.label} (${service.id})? Its alarms end with it.`)) return;
    ask(path(`/${encodeURIComponent(service.id)}`), { method: "DELETE" }).then(reload, (error: unknown) => {
      if (!(error instanceof ServerError)) throw error;
      setProblem(error.message);
    });
  };
  return (
    <section class="card services" aria-labelledby="services-title">
      <header>
        <h2 id="services-title">Services</h2>
        <button type="button" class="button" aria-pressed={choosing} onClick={() => setChoosing(!choosing)}>
          {choosing ? "Close catalogue" : "Add a service"}
        </button>
      </header>
      {problem === undefined ? null : (
        <p class="problem empty" role="alert">
          {problem}
        </p>
      )}
      <ServiceTable services={answer?.services} zone={props.zone} onChange={change} onDeactivate={deactivate} />
      {editing === undefined ? null : (
        <ServiceForm
          key={`${editing.entry.id} ${editing.known?.id ?? ""}`}
          entry={editing.entry}
          known={editing.known}
          taken={(answer?.services ?? []).filter(({ wanted }) => wanted).map(({ id }) => id)}
          tenant={props.tenant}
          gateway={props.gateway}
          onError={props.onError}
          onClose={() => setEditing(undefined)}
          onSent={() => {
            setEditing(undefined);
            setChoosing(false);
            reload();
          }}
        />
      )}
      {choosing && editing === undefined ? <CatalogueList entries={entries} onChoose={(entry) => setEditing({ entry })} /> : null}
    </section>
  );
}

/** Follows services: at once while one is on its way, else with the gateway's other news. */
function useServices(path: string, props: ServicesPanelProps): readonly [ServicesAnswer | undefined, () => void] {
  const [answer, setAnswer] = useState<ServicesAnswer | undefined>(undefined);
  const [round, setRound] = useState(0);
  const moving = answer?.services.some((one) => one.state === "on its way") === true;
  useEffect(() => {
    const stop = new AbortController();
    // While something moves each answer waits for the next news, and the next question follows it.
    const query = moving && round > 0 ? `${path}&waitMs=${waitMs}&seen=${answer?.news ?? 0}` : path;
    ask<ServicesAnswer>(query, { signal: stop.signal }).then(
      (value) => {
        if (stop.signal.aborted) return;
        setAnswer(value);
        if (value.services.some((one) => one.state === "on its way")) setRound((count) => count + 1);
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        if (!(error instanceof ServerError)) throw error;
        props.onError(error);
      },
    );
    return () => stop.abort();
  }, [path, round, moving ? 0 : props.version]);
  return [answer, () => setRound((count) => count + 1)];
}

interface ServiceTableProps {
  readonly services: readonly ServiceView[] | undefined;
  readonly zone: Zone;
  readonly onChange: (service: ServiceView) => void;
  readonly onDeactivate: (service: ServiceView) => void;
}

function ServiceTable(props: ServiceTableProps) {
  const { services } = props;
  if (services === undefined || services.length === 0)
    return <p class="empty">{services === undefined ? "Loading." : "No service is active. Add one from the catalogue."}</p>;
  return (
    <div class="scroll limited">
      <table class="table">
        <thead>
          <tr>
            <th>Service</th>
            <th>Status</th>
            <th>Last change</th>
            <th>
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <ServiceRow key={service.id} {...props} service={service} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ServiceRow(props: Omit<ServiceTableProps, "services"> & { readonly service: ServiceView }) {
  const { service } = props;
  return (
    <tr>
      <td>
        <b>{service.label}</b>
        <div class="muted">
          {service.id}
          {service.plan === "" ? "" : `, plan ${service.plan}`}
        </div>
      </td>
      <td>
        <span class={marks[service.state]} role="status">
          {service.state === "on its way" ? `${service.step} ...` : service.state}
        </span>
        {service.reason === "" ? null : <div class="service-reason">because {service.reason}</div>}
        {service.state === "on its way" ? <Steps service={service} /> : <PastSteps service={service} />}
      </td>
      <td class="nowrap">
        {service.atMs === 0 ? "" : formatMoment(service.atMs, serverNowMs(), props.zone)}
        <div class="muted">{service.by === "" ? "" : `by ${service.by}`}</div>
      </td>
      <td class="service-actions">
        <button type="button" class="button quiet" aria-label={`Change ${service.id}`} onClick={() => props.onChange(service)}>
          {service.wanted ? "Change" : "Try again"}
        </button>
        {service.wanted ? (
          <button type="button" class="button quiet" aria-label={`Deactivate ${service.id}`} onClick={() => props.onDeactivate(service)}>
            Deactivate
          </button>
        ) : null}
      </td>
    </tr>
  );
}

/** How the last change went, once it has ended. */
function PastSteps(props: { readonly service: ServiceView }) {
  const lastMs = props.service.steps.at(-1)?.[1];
  if (lastMs === undefined) return null;
  return (
    <details class="muted">
      <summary>took {(lastMs / 1_000).toFixed(1)} s</summary>
      <Steps service={props.service} />
    </details>
  );
}

/** From "sent" on, with milliseconds since the gateway got it. */
function Steps(props: { readonly service: ServiceView }) {
  const steps: readonly (readonly [string, number | undefined])[] = [
    ["sent", undefined],
    ...props.service.steps.map(([step, atMs]) => [step, atMs] as const),
  ];
  return (
    <ol class="service-steps">
      {steps.map(([step, atMs]) => (
        <li key={step}>
          {step}
          {atMs === undefined ? null : <span class="muted"> {atMs} ms</span>}
        </li>
      ))}
    </ol>
  );
}

function CatalogueList(props: { readonly entries: readonly CatalogueEntry[]; readonly onChoose: (entry: CatalogueEntry) => void }) {
  const [search, setSearch] = useState("");
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const found = props.entries
    .filter((entry) => words.every((word) => `${entry.title} ${entry.category} ${entry.summary}`.toLowerCase().includes(word)))
    .toSorted((a, b) => a.category.localeCompare(b.category) || a.title.localeCompare(b.title));
  return (
    <div class="catalogue">
      <input
        class="field"
        type="search"
        placeholder="Search the catalogue"
        aria-label="Search the catalogue"
        value={search}
        onInput={(event) => setSearch(event.currentTarget.value)}
      />
      <ul class="catalogue-list" aria-label="Service catalogue">
        {found.map((entry) => (
          <li key={`${entry.id}@${entry.version}`}>
            <button type="button" class="catalogue-entry" onClick={() => props.onChoose(entry)}>
              <span class="catalogue-title">{entry.title}</span>
              <span class="mark off">{entry.category}</span>
              <span class="muted catalogue-summary">{entry.summary}</span>
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 ? <p class="empty">Nothing in the catalogue has these words.</p> : null}
    </div>
  );
}
