import type { AlarmChange } from "#model/observation.ts";
import { formatMoment, type Zone } from "#web/time.ts";
import { type Overview, wordsWithoutAlarms } from "./overview.ts";
import { serverNowMs } from "./server.ts";

const marks: Readonly<Record<string, string>> = { critical: "mark bad", major: "mark bad", minor: "mark warn", warning: "mark warn" };

/** What is wrong now, worst first; consequences of another fault and what somebody put aside come folded. */
export function AlarmList(props: { readonly overview: Overview; readonly zone: Zone }) {
  const { alarms } = props.overview;
  const own = alarms.filter((alarm) => !isAside(alarm));
  const aside = alarms.filter(isAside);
  return (
    <section class="card" aria-labelledby="alarms-title">
      <header>
        <h2 id="alarms-title">{own.length === 0 ? "No active alarms" : `${own.length} active ${own.length === 1 ? "alarm" : "alarms"}`}</h2>
      </header>
      {own.length === 0 ? <p class="empty">{wordsWithoutAlarms(props.overview)}</p> : <Lines alarms={own} zone={props.zone} />}
      {aside.length === 0 ? null : (
        <details class="aside">
          <summary>{aside.length} more: consequences, in maintenance or put aside</summary>
          <Lines alarms={aside} zone={props.zone} />
        </details>
      )}
    </section>
  );
}

function isAside({ attributes }: AlarmChange): boolean {
  return ["root", "maint", "shelved"].some(
    (name) => attributes[name] !== undefined && attributes[name] !== null && attributes[name] !== false,
  );
}

function Lines(props: { readonly alarms: readonly AlarmChange[]; readonly zone: Zone }) {
  const nowMs = serverNowMs();
  return (
    <div class="scroll limited">
      <ul class="lines">
        {props.alarms.map((alarm) => (
          <li key={alarm.key}>
            <span class={marks[alarm.severity] ?? "mark off"}>{alarm.severity}</span>
            <span class="line-text">
              {alarm.equipment === undefined ? null : <b>{alarm.equipment} </b>}
              {alarm.text}
              <Repair attributes={alarm.attributes} />
            </span>
            <time class="muted nowrap" dateTime={new Date(alarm.raisedAt.wallMs).toISOString()}>
              {alarm.raisedAt.quality === "unanchored" ? "clock not set" : formatMoment(alarm.raisedAt.wallMs, nowMs, props.zone)}
            </time>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Repair(props: { readonly attributes: AlarmChange["attributes"] }) {
  const { repair } = props.attributes;
  return typeof repair === "string" && repair !== "" ? <span class="muted repair">{repair}</span> : null;
}
