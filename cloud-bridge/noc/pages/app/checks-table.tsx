import { formatAge } from "#web/time.ts";
import type { CheckView } from "../../registry/checks.ts";
import { serverNowMs } from "./server.ts";

interface ChecksProps {
  readonly checks: readonly CheckView[] | undefined;
  /** Shows the check's series among the values. */
  readonly onSelect: (equipment: string) => void;
}

/** Checks of one gateway: how they stand and what they took in the last hour. Nothing is shown where there are none. */
export function ChecksTable({ checks, onSelect }: ChecksProps) {
  if (checks === undefined || checks.length === 0) return null;
  const nowMs = serverNowMs();
  return (
    <section class="card" aria-labelledby="checks-title">
      <header>
        <h2 id="checks-title">Checks</h2>
      </header>
      <div class="scroll limited">
        <table class="table">
          <thead>
            <tr>
              <th>Check</th>
              <th>Result</th>
              <th>Since</th>
              <th>Target</th>
              <th>Median, last hour</th>
              <th>95 %</th>
              <th>99 %</th>
              <th>From</th>
            </tr>
          </thead>
          <tbody>
            {checks.map((one) => (
              <tr key={one.check}>
                <td>
                  <button type="button" class="row-button" onClick={() => onSelect(`check:${one.check}`)}>
                    {one.check}
                  </button>
                </td>
                <td>
                  <span class={one.ok ? "mark good" : "mark bad"}>{one.ok ? "passes" : (one.failure?.text ?? "fails")}</span>
                </td>
                <td class="nowrap">{formatAge(one.sinceMs, nowMs)}</td>
                <td>
                  {one.type} <span class="mono">{one.target}</span>
                </td>
                <td class="nowrap">{milliseconds(one.lastHour.p50Ms)}</td>
                <td class="nowrap">{milliseconds(one.lastHour.p95Ms)}</td>
                <td class="nowrap">{milliseconds(one.lastHour.p99Ms)}</td>
                <td class="mono">{one.vantage}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function milliseconds(value: number | null): string {
  return value === null ? "none yet" : `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ms`;
}
