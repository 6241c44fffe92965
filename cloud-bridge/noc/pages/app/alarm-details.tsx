import { useState } from "preact/hooks";
import { formatMoment, type Zone } from "#web/time.ts";
import type { AlarmDetail, AlarmView } from "../../registry/alarms.ts";
import { ask, type ServerError, serverNowMs, useLoaded } from "./server.ts";

interface AlarmDetailsProps {
  readonly alarm: AlarmView;
  readonly zone: Zone;
  readonly version: number;
  readonly onAct: (alarm: AlarmView, action: string, body?: Readonly<Record<string, unknown>>) => void;
  readonly onRun: (work: Promise<unknown>) => void;
  readonly onError: (error: ServerError) => void;
  readonly onGateway: (gateway: string, equipment: string | undefined) => void;
}

const hourMs = 3_600_000;
const spans: readonly (readonly [string, number])[] = [
  ["1 hour", hourMs],
  ["8 hours", 8 * hourMs],
  ["1 day", 24 * hourMs],
  ["7 days", 168 * hourMs],
];

/** Everything about one alarm, and what can be done about it. */
export function AlarmDetails(props: AlarmDetailsProps) {
  const { alarm, zone, onAct } = props;
  const path = `/api/gateways/${encodeURIComponent(alarm.gateway)}/alarms/${encodeURIComponent(alarm.key)}?tenant=${encodeURIComponent(alarm.tenant)}`;
  const detail = useLoaded<AlarmDetail>(path, props.version, props.onError);
  const nowMs = serverNowMs();
  const facts: readonly (readonly [string, string])[] = [
    ["Since", alarm.undated ? "clock not set" : formatMoment(alarm.raisedMs, nowMs, zone)],
    ["Last change", formatMoment(alarm.changedMs, nowMs, zone)],
    ["Changes", String(alarm.changes)],
    ["Type", alarm.type],
    ["Cause", alarm.cause],
    ["Follows from", alarm.root === null ? "" : alarm.root.text || alarm.root.key],
    ["Key", alarm.key],
  ];
  return (
    <section class="card" aria-labelledby="alarm-detail-title">
      <header>
        <h2 id="alarm-detail-title">{alarm.text === "" ? alarm.type : alarm.text}</h2>
        <button
          type="button"
          class="button quiet"
          onClick={() => props.onGateway(`${alarm.tenant}/${alarm.gateway}`, alarm.equipment || undefined)}
        >
          Show {alarm.equipment === "" ? "gateway" : "equipment"}
        </button>
      </header>
      <div class="alarm-body">
        {alarm.repair === "" ? null : (
          <p>
            <b>What to do:</b> {alarm.repair}
          </p>
        )}
        {alarm.verdict === null ? null : <Verdict verdict={alarm.verdict} />}
        <dl class="facts">
          {facts
            .filter(([, value]) => value !== "")
            .map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
        </dl>
        <div class="actions">
          <button type="button" class="button" onClick={() => onAct(alarm, alarm.ack === null ? "acknowledge" : "unacknowledge")}>
            {alarm.ack === null ? "Acknowledge" : "Give back"}
          </button>
          <button type="button" class="button" onClick={() => onAct(alarm, "close")}>
            Close
          </button>
          <Shelve alarm={alarm} onRun={props.onRun} />
        </div>
        <Comments alarm={alarm} detail={detail.value} zone={zone} onAct={onAct} onSaid={detail.reload} />
      </div>
    </section>
  );
}

function Verdict(props: { readonly verdict: NonNullable<AlarmView["verdict"]> }) {
  const { domain, text, evidence } = props.verdict;
  return (
    <div class="verdict">
      <p>
        <b>Verdict: {domain}.</b> {text}
      </p>
      <ul>
        {evidence.map((line) => (
          <li key={line} class="muted">
            {line}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Shelve(props: { readonly alarm: AlarmView; readonly onRun: (work: Promise<unknown>) => void }) {
  const { alarm } = props;
  const [forMs, setForMs] = useState(8 * hourMs);
  const [reason, setReason] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    const body = JSON.stringify({ tenant: alarm.tenant, gateway: alarm.gateway, key: alarm.key, forMs, reason });
    props.onRun(ask("/api/alarm-shelves", { method: "POST", body }));
    setReason("");
  };
  return (
    <form class="inline-form" onSubmit={submit}>
      <select
        class="field"
        aria-label="For how long"
        value={String(forMs)}
        onChange={(event) => setForMs(Number(event.currentTarget.value))}
      >
        {spans.map(([label, ms]) => (
          <option key={ms} value={String(ms)}>
            {label}
          </option>
        ))}
      </select>
      <input
        class="field"
        placeholder="Why"
        aria-label="Reason"
        required
        maxLength={512}
        value={reason}
        onInput={(event) => setReason(event.currentTarget.value)}
      />
      <button type="submit" class="button">
        Put aside
      </button>
    </form>
  );
}

interface CommentsProps {
  readonly alarm: AlarmView;
  readonly detail: AlarmDetail | undefined;
  readonly zone: Zone;
  readonly onAct: (alarm: AlarmView, action: string, body?: Readonly<Record<string, unknown>>) => void;
  readonly onSaid: () => void;
}

function Comments(props: CommentsProps) {
  const [text, setText] = useState("");
  const nowMs = serverNowMs();
  const submit = (event: Event) => {
    event.preventDefault();
    props.onAct(props.alarm, "comment", { text });
    setText("");
    props.onSaid();
  };
  return (
    <div>
      <ul class="lines">
        {(props.detail?.comments ?? []).map((comment) => (
          <li key={`${comment.atMs} ${comment.text}`}>
            <b>{comment.by}</b>
            <span class="line-text">{comment.text}</span>
            <time class="muted nowrap">{formatMoment(comment.atMs, nowMs, props.zone)}</time>
          </li>
        ))}
      </ul>
      <form class="inline-form" onSubmit={submit}>
        <input
          class="field"
          placeholder="Comment"
          aria-label="Comment"
          required
          maxLength={1_000}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button">
          Say
        </button>
      </form>
    </div>
  );
}
