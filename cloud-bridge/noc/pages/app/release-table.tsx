import { useEffect, useRef, useState } from "preact/hooks";
import { formatBytes } from "#web/units.ts";
import type { GatewayView } from "../../registry/overview.ts";
import type { ReleaseView } from "../../releases/overview.ts";

export interface RolloutOrder {
  readonly version: string;
  readonly waves: readonly string[];
  readonly soakMs: number;
  readonly haltAfter?: number;
}

interface ReleaseTableProps {
  /** undefined = not loaded yet. */
  readonly releases: readonly ReleaseView[] | undefined;
  readonly floor: string | null;
  readonly gateways: readonly GatewayView[];
  /** Version whose form is open. */
  readonly opened: string | undefined;
  /** Nothing is under way, and this NOC orders. */
  readonly canBegin: boolean;
  readonly onOpen: (version: string | undefined) => void;
  readonly onBegin: (order: RolloutOrder) => void;
}

/** Versions that are published, who runs them, and the way to roll one out. */
export function ReleaseTable(props: ReleaseTableProps) {
  return (
    <section class="card" aria-labelledby="releases-title">
      <header>
        <h2 id="releases-title">Releases</h2>
        {props.floor === null ? null : <span class="muted">nothing older than {props.floor} is installed any more</span>}
      </header>
      <div class="scroll">
        <Rows {...props} />
      </div>
      {props.opened === undefined || !props.canBegin ? null : (
        <RolloutForm
          key={props.opened}
          version={props.opened}
          gateways={props.gateways.length}
          onCancel={() => props.onOpen(undefined)}
          onBegin={props.onBegin}
        />
      )}
    </section>
  );
}

function Rows({ releases, gateways, opened, canBegin, onOpen }: ReleaseTableProps) {
  if (releases === undefined) return <p class="empty">Loading.</p>;
  if (releases.length === 0) return <p class="empty">Nothing is published yet: gatehouse noc release publish.</p>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Version</th>
          <th scope="col">Download</th>
          <th scope="col">From an earlier version</th>
          <th scope="col">Runs on</th>
          <th scope="col">
            <span class="visually-hidden">Roll out</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {releases.map(({ version, hardware }) => {
          const running = gateways.filter((one) => one.version === version).length;
          return (
            <tr key={version}>
              <td>
                <b>{version}</b>
              </td>
              <td>
                {hardware.map((one) => (
                  <div key={one.id}>
                    {formatBytes(one.fullBytes)} <span class="muted">{one.id}</span>
                  </div>
                ))}
              </td>
              <td>
                {hardware.map((one) => (
                  <div key={one.id}>
                    {one.deltaBytes.length === 0 ? <span class="muted">in full</span> : one.deltaBytes.map(formatBytes).join(", ")}
                  </div>
                ))}
              </td>
              <td>{running === 0 ? <span class="muted">none</span> : `${running} of ${gateways.length}`}</td>
              <td class="release-action">
                <button
                  type="button"
                  class="button"
                  disabled={!canBegin}
                  aria-expanded={opened === version}
                  onClick={() => onOpen(opened === version ? undefined : version)}
                >
                  Roll out
                </button>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface RolloutFormProps {
  readonly version: string;
  readonly gateways: number;
  readonly onCancel: () => void;
  readonly onBegin: (order: RolloutOrder) => void;
}

function RolloutForm({ version, gateways, onCancel, onBegin }: RolloutFormProps) {
  const [waves, setWaves] = useState("1, 10%, 100%");
  const [soak, setSoak] = useState("10");
  const [failures, setFailures] = useState("");
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    onBegin({
      version,
      waves: waves.split(/[\s,;]+/).filter((word) => word !== ""),
      soakMs: Math.round(Number(soak) * 60_000),
      ...(failures === "" ? {} : { haltAfter: Number(failures) }),
    });
  };
  return (
    <form class="rollout-form" aria-label={`Roll out ${version}`} onSubmit={submit}>
      <h3>
        {version} to {gateways === 1 ? "one gateway" : `${gateways} gateways`}
      </h3>
      <label class="form-row">
        Waves
        <input class="field" ref={first} value={waves} required onInput={(event) => setWaves(event.currentTarget.value)} />
        <small class="muted">Numbers of gateways or shares of them, ascending. The next begins when all of one have confirmed.</small>
      </label>
      <label class="form-row">
        Watched for, minutes
        <input
          class="field"
          type="number"
          min="0"
          max="10080"
          step="any"
          required
          value={soak}
          onInput={(event) => setSoak(event.currentTarget.value)}
        />
        <small class="muted">After the last gateway of a wave has confirmed.</small>
      </label>
      <label class="form-row">
        Stops at failures
        <input
          class="field"
          type="number"
          min="1"
          max="100000"
          placeholder="1, or 5 % of a large wave"
          value={failures}
          onInput={(event) => setFailures(event.currentTarget.value)}
        />
      </label>
      <span class="rollout-actions">
        <button type="submit" class="button primary">
          Begin
        </button>
        <button type="button" class="button quiet" onClick={onCancel}>
          Cancel
        </button>
      </span>
    </form>
  );
}
