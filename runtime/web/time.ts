import { formatDuration } from "./units.ts";

/** `local` = the browser's zone. */
export type Zone = "local" | "UTC";

export function zoneName(zone: Zone): string {
  return zone === "UTC" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The zone with its present difference from UTC: `Europe/Lisbon (UTC+1)`. */
export function zoneLabel(zone: Zone, atMs: number): string {
  if (zone === "UTC") return "UTC";
  const minutes = -new Date(atMs).getTimezoneOffset();
  const hours = Math.abs(minutes) / 60;
  const name = zoneName(zone);
  return name === "UTC" ? "UTC" : `${name} (UTC${minutes < 0 ? "-" : "+"}${hours})`;
}

/** Date and time to the second, ISO order. */
export function formatTime(atMs: number, zone: Zone): string {
  return parts(atMs, zone, { dateStyle: true });
}

/** Time of day if it is today by `nowMs`, else with its date. */
export function formatMoment(atMs: number, nowMs: number, zone: Zone): string {
  const isToday = formatTime(atMs, zone).slice(0, 10) === formatTime(nowMs, zone).slice(0, 10);
  return parts(atMs, zone, { dateStyle: !isToday });
}

function parts(atMs: number, zone: Zone, style: { readonly dateStyle: boolean }): string {
  // sv-SE writes ISO order; the zone is what matters here, not the language.
  const text = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zoneName(zone) }).format(atMs);
  return style.dateStyle ? text : text.slice(11);
}

/** `12 s ago`, to the largest unit from two minutes on; small differences of clocks are not shown as the future. */
export function formatAge(atMs: number, nowMs: number): string {
  const seconds = (nowMs - atMs) / 1_000;
  if (seconds < -5) return `in ${formatDuration(-seconds)}`;
  if (seconds < 1) return "now";
  return `${seconds < 120 ? `${Math.round(seconds)} s` : (/^\d+ \w+/.exec(formatDuration(seconds))?.[0] ?? "")} ago`;
}
