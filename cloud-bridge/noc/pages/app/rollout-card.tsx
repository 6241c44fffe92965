import { useState } from "preact/hooks";
import { formatMoment, type Zone } from "#web/time.ts";
import type { RolloutView } from "../../releases/rollout-order.ts";
import { serverNowMs } from "./server.ts";

type Step = "pause" | "resume" | "halt";

const rolloutMarks: Readonly<Record<RolloutView["state"], string>> = {
  running: "mark warn",
  paused: "mark off",
  halted: "mark bad",
  done: "mark good",
};

export function rolloutMark(state: RolloutView["state"]): string {
  return rolloutMarks[state];
}

const failedStates: readonly string[] = ["rolled-back", "refused"];
/** Rows shown at once; failures come first. */
const maxRows = 500;

function kindOf(state: string): "done" | "wrong" | "busy" | "" {
  if (state === "confirmed") return "done";
  if (failedStates.includes(state)) return "wrong";
  return state === "not yet" ? "" : "busy";
}

const kindMarks = { done: "mark good", wrong: "mark bad", busy: "mark warn", "": "mark off" } as const;
const kindRank = { wrong: 0, busy: 1, "": 2, done: 3 } as const;

interface RolloutCardProps {
  readonly rollout: RolloutView;
  readonly zone: Zone;
  readonly onAct: (step: Step) => void;
  readonly onGateway: (gateway: string) => void;
}

/** One rollout: how far it is, what it waits for, and each gateway. */
export function RolloutCard({ rollout, zone, onAct, onGateway }: RolloutCardProps) {
  const total = Object.values(rollout.counts).reduce((sum, count) => sum + count, 0);
  const sums = { done: 0, busy: 0, wrong: 0, "": 0 };
  for (const [state, count] of Object.entries(rollout.counts)) sums[kindOf(state)] += count;
  const nowMs = serverNowMs();
  const ended = rollout.endedAtMs === undefined ? "" : `, ended ${formatMoment(rollout.endedAtMs, nowMs, zone)}`;
  return (
    <section class="card" aria-labelledby="rollout-title">
      <header>
        <h2 id="rollout-title">Rollout of {rollout.version}</h2>
        <span class={rolloutMark(rollout.state)} role="status">
          {rollout.state}
        </span>
        <span class="muted">
          begun {formatMoment(rollout.beganAtMs, nowMs, zone)} by {rollout.by}
          {ended}
        </span>
        <Actions state={rollout.state} onAct={onAct} />
      </header>
      <div class="rollout">
        <div class="rollout-bar" role="img" aria-label={`${sums.done} of ${total} confirmed, ${sums.wrong} failed`}>
          {(["done", "busy", "wrong"] as const).map((kind) =>
            sums[kind] === 0 ? null : <span key={kind} class={kind} style={{ flex: `0 0 ${(100 * sums[kind]) / total}%` }} />,
          )}
        </div>
        <p>
          <b>
            {sums.done} of {total}
          </b>{" "}
          confirmed
          {Object.entries(rollout.counts)
            .filter(([state]) => state !== "confirmed")
            .map(([state, count]) => `, ${count} ${state}`)
            .join("")}
        </p>
        <Waves rollout={rollout} />
        {rollout.reason === "" ? null : <p class={rollout.state === "halted" ? "problem" : "muted"}>{rollout.reason}</p>}
      </div>
      <Gateways rollout={rollout} onGateway={onGateway} />
    </section>
  );
}

/** Stopping is asked for twice: it cannot be taken back. */
function Actions(props: { readonly state: RolloutView["state"]; readonly onAct: (step: Step) => void }) {
  const [asks, setAsks] = useState(false);
  if (props.state !== "running" && props.state !== "paused") return null;
  const step = props.state === "paused" ? "resume" : "pause";
  if (asks)
    return (
      <span class="rollout-actions">
        <span class="muted">Who has not switched yet will not get it.</span>
        <button type="button" class="button" onClick={() => props.onAct("halt")}>
          Stop it
        </button>
        <button type="button" class="button quiet" onClick={() => setAsks(false)}>
          Back
        </button>
      </span>
    );
  return (
    <span class="rollout-actions">
      <button type="button" class="button" onClick={() => props.onAct(step)}>
        {step === "pause" ? "Pause" : "Resume"}
      </button>
      <button type="button" class="button quiet" onClick={() => setAsks(true)}>
        Stop
      </button>
    </span>
  );
}

function Waves({ rollout }: { readonly rollout: RolloutView }) {
  const isOver = rollout.state === "done";
  return (
    <ol class="waves" aria-label="Waves">
      {rollout.waves.map((end, index) => {
        const wave = index + 1;
        const size = end - (rollout.waves[index - 1] ?? 0);
        const state =
          isOver || wave < rollout.wave ? "done" : wave > rollout.wave ? "later" : rollout.state === "running" ? "now" : rollout.state;
        return (
          <li key={end} aria-current={!isOver && wave === rollout.wave ? "step" : undefined}>
            Wave {wave}: {size} {size === 1 ? "gateway" : "gateways"} <span class="muted">{state}</span>
          </li>
        );
      })}
    </ol>
  );
}

function Gateways({ rollout, onGateway }: Pick<RolloutCardProps, "rollout" | "onGateway">) {
  const waveOf = (index: number) => rollout.waves.findIndex((end) => index < end) + 1;
  const rows = rollout.gateways
    .map((one, index) => ({ ...one, wave: waveOf(index), kind: kindOf(one.state) }))
    .sort((a, b) => kindRank[a.kind] - kindRank[b.kind]);
  if (rows.length === 0) return null;
  return (
    <div class="scroll limited rollout-gateways">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Gateway</th>
            <th scope="col">Wave</th>
            <th scope="col">State</th>
            <th scope="col">What it says</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, maxRows).map((one) => (
            <tr key={`${one.tenant}/${one.gateway}`}>
              <td>
                <button type="button" class="row-button" onClick={() => onGateway(`${one.tenant}/${one.gateway}`)}>
                  {one.gateway}
                </button>{" "}
                <span class="muted">{one.tenant}</span>
              </td>
              <td>{one.wave}</td>
              <td>
                <span class={kindMarks[one.kind]}>{one.state}</span>
              </td>
              <td class="muted">{one.detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > maxRows ? <p class="empty">{rows.length - maxRows} more; the command line lists them all.</p> : null}
    </div>
  );
}
