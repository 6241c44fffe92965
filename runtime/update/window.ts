import type { UpdatePolicy } from "#ports/updater.ts";

const minuteMs = 60_000;
const dayMinutes = 1_440;

/** Whether a moment lies in one of the windows; without windows always. `to` is not part of a window. */
export function isWithin(windows: UpdatePolicy["windows"], wallMs: number): boolean {
  if (windows === undefined || windows.length === 0) return true;
  const minute = Math.floor(wallMs / minuteMs) % dayMinutes;
  return windows.some(({ fromMinute, toMinute }) =>
    fromMinute <= toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute,
  );
}
