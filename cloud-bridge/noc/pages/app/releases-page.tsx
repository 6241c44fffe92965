import { useEffect, useState } from "preact/hooks";
import { every } from "#web/browser-clock.ts";
import { formatMoment, type Zone, zoneLabel } from "#web/time.ts";
import type { GatewayView } from "../../registry/overview.ts";
import type { ReleasesView } from "../../releases/overview.ts";
import type { RolloutView } from "../../releases/rollout-order.ts";
import { useKeys } from "./alarms-page.tsx";
import { ReleaseTable } from "./release-table.tsx";
import { RolloutCard, rolloutMark } from "./rollout-card.tsx";
import { ask, ServerError, serverNowMs, useLoaded } from "./server.ts";

interface ReleasesAnswer extends ReleasesView {
  readonly nowMs: number;
  /** Whether this NOC rolls out at all. */
  readonly orders: boolean;
  readonly problem: string;
}

interface ReleasesPageProps {
  readonly version: number;
  readonly zone: Zone;
  readonly gateways: readonly GatewayView[];
  readonly onError: (error: ServerError) => void;
  readonly onGateway: (gateway: string) => void;
}

const liveMs = 2_000;

/** Which versions there are, who gets one now, and how that goes. */
export function ReleasesPage(props: ReleasesPageProps) {
  const [ticks, setTicks] = useState(0);
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const [opened, setOpened] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const version = props.version + ticks;
  const releases = useLoaded<ReleasesAnswer>("/api/releases", props.version, props.onError);
  const orders = releases.value?.orders === true;
  const loaded = useLoaded<{ readonly rollouts: readonly RolloutView[] }>(orders ? "/api/rollouts" : undefined, version, props.onError);
  const rollouts = loaded.value?.rollouts ?? [];
  const [newest, ...earlier] = rollouts;
  const older = useLoaded<RolloutView>(chosen === undefined ? undefined : `/api/rollouts/${chosen}`, version, props.onError);
  const isLive = newest?.state === "running" || newest?.state === "paused";
  useEffect(() => (isLive ? every(liveMs, () => setTicks((count) => count + 1)) : undefined), [isLive]);
  const act = (path: string, body?: unknown) =>
    ask(path, { method: "POST", ...(body === undefined ? {} : { body: JSON.stringify(body) }) }).then(
      () => {
        setProblem(undefined);
        setOpened(undefined);
        setChosen(undefined);
        loaded.reload();
      },
      (error: unknown) => {
        if (!(error instanceof ServerError)) throw error;
        setProblem(error.message);
      },
    );
  const hold = () => isLive && void act(`/api/rollouts/${newest?.state === "paused" ? "resume" : "pause"}`);
  useKeys({
    p: hold,
    n: () => document.querySelector<HTMLButtonElement>(".release-action button")?.focus(),
    Escape: () => (opened === undefined ? setChosen(undefined) : setOpened(undefined)),
  });
  const shown = chosen === undefined ? newest : older.value;
  return (
    <main class="releases-page">
      {[problem, releases.value?.problem].map((text) =>
        text === undefined || text === "" ? null : (
          <p key={text} class="problem card empty" role="alert">
            {text}
          </p>
        ),
      )}
      {releases.value !== undefined && !orders ? <p class="card empty">This NOC only listens: it rolls nothing out.</p> : null}
      {shown === undefined ? null : (
        <RolloutCard
          key={shown.id}
          rollout={shown}
          zone={props.zone}
          onAct={(step) => void act(`/api/rollouts/${step}`)}
          onGateway={props.onGateway}
        />
      )}
      <ReleaseTable
        releases={releases.value?.releases}
        floor={releases.value?.floor ?? null}
        gateways={props.gateways}
        opened={opened}
        canBegin={orders && !isLive}
        onOpen={setOpened}
        onBegin={(order) => void act("/api/rollouts", order)}
      />
      <Earlier rollouts={earlier} chosen={chosen} zone={props.zone} onChoose={setChosen} />
      <p class="muted key-help">
        {expiryWords(releases.value, props.zone)}Times in {zoneLabel(props.zone, serverNowMs())}. Keys: <kbd>p</kbd> holds and resumes,{" "}
        <kbd>n</kbd> goes to the newest version, <kbd>Esc</kbd> closes.
      </p>
    </main>
  );
}

function expiryWords(releases: ReleasesAnswer | undefined, zone: Zone): string {
  const untilMs = releases?.expiry.timestamp;
  return untilMs === undefined ? "" : `Signatures hold until ${formatMoment(untilMs, serverNowMs(), zone)}. `;
}

function Earlier(props: {
  readonly rollouts: readonly RolloutView[];
  readonly chosen: number | undefined;
  readonly zone: Zone;
  readonly onChoose: (id: number | undefined) => void;
}) {
  if (props.rollouts.length === 0) return null;
  const nowMs = serverNowMs();
  return (
    <section class="card" aria-labelledby="earlier-title">
      <header>
        <h2 id="earlier-title">Earlier rollouts</h2>
      </header>
      <ul class="lines">
        {props.rollouts.map((one) => (
          <li key={one.id}>
            <span class={rolloutMark(one.state)}>{one.state}</span>
            <span class="line-text">
              <b>{one.version}</b>{" "}
              <span class="muted">
                {one.reason === "" ? "" : `${one.reason}, `}
                {formatMoment(one.beganAtMs, nowMs, props.zone)} by {one.by}
              </span>
            </span>
            <button
              type="button"
              class="button quiet"
              aria-expanded={one.id === props.chosen}
              onClick={() => props.onChoose(one.id === props.chosen ? undefined : one.id)}
            >
              {one.id === props.chosen ? "Back" : "Show"}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
