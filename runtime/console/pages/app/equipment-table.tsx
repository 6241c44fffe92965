import { formatAge } from "#web/time.ts";
import { formatDuration } from "#web/units.ts";
import type { EquipmentView } from "./overview.ts";
import { serverNowMs } from "./server.ts";

const errorWords: Readonly<Record<string, string>> = {
  "driver.timeout": "no answer",
  "driver.auth": "credential refused",
  "driver.bad-answer": "bad answer",
  "driver.unreachable": "not reachable",
  "driver.refused": "refuses",
  "driver.limit": "not in time",
};

/** What is watched here; what cannot be polled first. Choosing one plots it below. */
export function EquipmentTable(props: {
  readonly equipment: readonly EquipmentView[];
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}) {
  const nowMs = serverNowMs();
  const sorted = [...props.equipment].sort((a, b) => Number(b.reachability === "down") - Number(a.reachability === "down"));
  return (
    <section class="card" aria-labelledby="equipment-title">
      <header>
        <h2 id="equipment-title">Equipment</h2>
      </header>
      {sorted.length === 0 ? (
        <p class="empty">
          Nothing is configured. <span class="mono">gatehouse discover</span> looks for equipment on this network.
        </p>
      ) : (
        <div class="scroll limited">
          <table class="table">
            <thead>
              <tr>
                <th>Name</th>
                <th>Status</th>
                <th>Since</th>
                <th>Last poll</th>
                <th>Every</th>
                <th>Address</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((one) => (
                <tr key={one.id} class={one.id === props.selected ? "chosen" : ""}>
                  <td>
                    <button
                      type="button"
                      class="row-button"
                      aria-pressed={one.id === props.selected}
                      onClick={() => props.onSelect(one.id)}
                    >
                      {one.name}
                    </button>
                  </td>
                  <td>
                    <Status equipment={one} />
                  </td>
                  <td class="nowrap">{formatDuration(one.sinceS)}</td>
                  <td class="nowrap">{one.lastPollMs === undefined ? "never" : formatAge(one.lastPollMs, nowMs)}</td>
                  <td class="nowrap">{formatDuration(one.pollIntervalMs / 1_000)}</td>
                  <td class="mono">{one.address}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Status(props: { readonly equipment: EquipmentView }) {
  const { reachability, lastError } = props.equipment;
  if (reachability === "up") return <span class="mark good">answering</span>;
  if (reachability === "down") return <span class="mark bad">{errorWords[lastError ?? ""] ?? lastError ?? "not answering"}</span>;
  return <span class="mark off">{reachability}</span>;
}
