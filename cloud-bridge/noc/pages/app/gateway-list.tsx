import { formatAge } from "#web/time.ts";
import type { GatewayView } from "../../registry/overview.ts";
import { serverNowMs } from "./server.ts";

export function keyOf(gateway: Pick<GatewayView, "tenant" | "id">): string {
  return `${gateway.tenant}/${gateway.id}`;
}

const severityOrder = ["critical", "major", "minor", "warning", "indeterminate"];

/** The worst alarms in words: `1 critical, 2 minor`; undefined = none. */
export function alarmSummary(alarms: Readonly<Record<string, number>>): string | undefined {
  const parts = severityOrder.flatMap((severity) => ((alarms[severity] ?? 0) > 0 ? [`${alarms[severity]} ${severity}`] : []));
  return parts.length === 0 ? undefined : parts.join(", ");
}

export function isSevere(alarms: Readonly<Record<string, number>>): boolean {
  return (alarms["critical"] ?? 0) + (alarms["major"] ?? 0) > 0;
}

export function GatewayList(props: {
  readonly gateways: readonly GatewayView[];
  readonly selected: string | undefined;
  readonly onSelect: (key: string) => void;
}) {
  const nowMs = serverNowMs();
  if (props.gateways.length === 0) {
    return <p class="empty">No gateway has reported yet. They appear here with their first message.</p>;
  }
  return (
    <ul class="gateways">
      {props.gateways.map((gateway) => {
        const alarms = alarmSummary(gateway.alarms);
        return (
          <li key={keyOf(gateway)}>
            <button
              type="button"
              class="gateway"
              aria-current={keyOf(gateway) === props.selected ? "true" : undefined}
              onClick={() => props.onSelect(keyOf(gateway))}
            >
              <span class="gateway-name">{gateway.name}</span>
              <span class={gateway.online ? "mark good" : "mark bad"}>{gateway.online ? "online" : "offline"}</span>
              <span class="gateway-note muted">
                {[gateway.tenant, gateway.site].filter((part) => part !== "").join(" / ")}
                <br />
                {gateway.newestMs === null ? "no values yet" : `newest value ${formatAge(gateway.newestMs, nowMs)}`}
              </span>
              {alarms === undefined ? null : (
                <span class={isSevere(gateway.alarms) ? "gateway-alarms mark bad" : "gateway-alarms mark warn"}>{alarms}</span>
              )}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
