import { formatAge } from "#web/time.ts";
import { formatDuration } from "#web/units.ts";
import type { EquipmentView } from "../../registry/overview.ts";
import { serverNowMs } from "./server.ts";

const reasonWords: Readonly<Record<string, string>> = {
  timeout: "no answer",
  auth: "credential refused",
  noSuchName: "not there, or refused",
  partial: "incomplete",
  skipped: "skipped, overload",
  badAnswer: "bad answer",
  notReachable: "not reachable",
};

export function missWords(reason: string): string {
  return reasonWords[reason] ?? reason;
}

interface EquipmentProps {
  readonly equipment: readonly EquipmentView[] | undefined;
  readonly selected: string | undefined;
  readonly onSelect: (id: string | undefined) => void;
}

/** Equipment of one gateway; choosing one narrows the values below. */
export function EquipmentTable(props: EquipmentProps) {
  const { equipment, selected } = props;
  const nowMs = serverNowMs();
  return (
    <section class="card" aria-labelledby="equipment-title">
      <header>
        <h2 id="equipment-title">Equipment</h2>
        {selected === undefined ? null : (
          <button type="button" class="button quiet" onClick={() => props.onSelect(undefined)}>
            Show all
          </button>
        )}
      </header>
      {equipment === undefined || equipment.length === 0 ? (
        <p class="empty">{equipment === undefined ? "Loading." : "Nothing was polled yet."}</p>
      ) : (
        <div class="scroll limited">
          <table class="table">
            <thead>
              <tr>
                <th>Name</th>
                <th>Status</th>
                <th>Last poll</th>
                <th>Every</th>
                <th>Model</th>
              </tr>
            </thead>
            <tbody>
              {equipment.map((one) => (
                <tr key={one.id} class={one.id === selected ? "chosen" : ""}>
                  <td>
                    <button
                      type="button"
                      class="row-button"
                      aria-pressed={one.id === selected}
                      onClick={() => props.onSelect(one.id === selected ? undefined : one.id)}
                    >
                      {one.id}
                    </button>
                  </td>
                  <td>
                    <Status equipment={one} />
                  </td>
                  <td class="nowrap">{one.lastPollMs === null ? "never" : formatAge(one.lastPollMs, nowMs)}</td>
                  <td class="nowrap">{one.intervalMs === 0 ? "" : formatDuration(one.intervalMs / 1_000)}</td>
                  <td>
                    {[one.vendor, one.model].filter((part) => part !== "").join(" ") || (
                      <span class="muted">{one.deviceClass || "not known yet"}</span>
                    )}
                  </td>
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
  const { status, missReason } = props.equipment;
  if (status === "answering") return <span class="mark good">answering</span>;
  if (status === "silent") return <span class="mark bad">{missWords(missReason)}</span>;
  return <span class="mark off">{status === "stale" ? "no news" : "unknown"}</span>;
}
