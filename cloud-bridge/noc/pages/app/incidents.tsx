import { useState } from "preact/hooks";
import { formatMoment, type Zone } from "#web/time.ts";
import type { AlarmRow, EventRow } from "../../store/rows.ts";
import { serverNowMs } from "./server.ts";

const severityMarks: Readonly<Record<string, string>> = {
  critical: "mark bad",
  major: "mark bad",
  minor: "mark warn",
  warning: "mark warn",
};

interface IncidentsProps {
  readonly alarms: readonly AlarmRow[] | undefined;
  readonly events: readonly EventRow[] | undefined;
  readonly zone: Zone;
}

/** What is wrong now, and what happened. */
export function Incidents(props: IncidentsProps) {
  const [tab, setTab] = useState<"alarms" | "events">("alarms");
  const active = props.alarms?.length ?? 0;
  return (
    <section class="card" aria-labelledby="incidents-title">
      <header>
        <h2 id="incidents-title">{tab === "alarms" ? "Active alarms" : "Events"}</h2>
        <fieldset class="button-group" aria-label="Show alarms or events">
          <button type="button" class="button" aria-pressed={tab === "alarms"} onClick={() => setTab("alarms")}>
            Alarms{active > 0 ? ` (${active})` : ""}
          </button>
          <button type="button" class="button" aria-pressed={tab === "events"} onClick={() => setTab("events")}>
            Events
          </button>
        </fieldset>
      </header>
      <div class="scroll limited">{tab === "alarms" ? <Alarms {...props} /> : <Events {...props} />}</div>
    </section>
  );
}

function Alarms(props: IncidentsProps) {
  const nowMs = serverNowMs();
  if (props.alarms === undefined) return <p class="empty">Loading.</p>;
  if (props.alarms.length === 0) return <p class="empty">No active alarms.</p>;
  return (
    <ul class="lines">
      {props.alarms.map((alarm) => (
        <li key={alarm.key}>
          <span class={severityMarks[alarm.severity] ?? "mark off"}>{alarm.severity}</span>
          <span class="line-text">
            <b>{alarm.equipment}</b> {alarm.text === "" ? alarm.type : alarm.text}
            {alarm.path === "" ? null : <span class="muted mono"> {alarm.path}</span>}
            {Array.isArray(alarm.body["told"]) ? (
              <span class="muted"> (the gateway itself told {alarm.body["told"].join(", ")})</span>
            ) : null}
          </span>
          <time class="muted nowrap" dateTime={new Date(alarm.raisedMs).toISOString()}>
            {alarm.undated === undefined ? formatMoment(alarm.raisedMs, nowMs, props.zone) : "clock not set"}
          </time>
        </li>
      ))}
    </ul>
  );
}

function Events(props: IncidentsProps) {
  const nowMs = serverNowMs();
  if (props.events === undefined) return <p class="empty">Loading.</p>;
  if (props.events.length === 0) return <p class="empty">Nothing has happened yet.</p>;
  return (
    <ul class="lines">
      {props.events.map((event) => (
        <li key={`${event.streamId}/${event.seq}/${event.index}`}>
          <span class="mono muted nowrap">{event.kind}</span>
          <span class="line-text">
            {event.equipment === "" ? null : <b>{event.equipment} </b>}
            {event.text}
          </span>
          <time class="muted nowrap" dateTime={new Date(event.atMs).toISOString()}>
            {event.undated === undefined ? formatMoment(event.atMs, nowMs, props.zone) : "clock not set"}
          </time>
        </li>
      ))}
    </ul>
  );
}
