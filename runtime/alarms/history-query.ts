import type { AlarmChange } from "#model/observation.ts";
import type { AlarmHistoryQuery } from "#ports/alarms.ts";

/** Whether a change of the past is one that was asked for: both ends of the span count in, an alarm without equipment fits no question for one. */
export function fits(change: AlarmChange, { fromMs, toMs, equipment, key }: AlarmHistoryQuery): boolean {
  const atMs = change.observedAt.wallMs;
  if (fromMs !== undefined && atMs < fromMs) return false;
  if (toMs !== undefined && atMs > toMs) return false;
  return (equipment === undefined || change.equipment === equipment) && (key === undefined || change.key === key);
}
