import type { AlarmRow, BootTime } from "../store/rows.ts";

/** Whether an alarm changed after the list was made, by the gateway's own clock: then the list says nothing of it. */
export function clockAhead(row: AlarmRow, list: { readonly atMs: number; readonly undated: BootTime | undefined }): boolean {
  if (row.undated !== undefined && list.undated !== undefined && row.undated.bootId === list.undated.bootId)
    return row.undated.monotonicMs >= list.undated.monotonicMs;
  // Times of different clocks cannot be compared; the next list will do.
  if ((row.undated === undefined) !== (list.undated === undefined)) return true;
  return row.changedMs >= list.atMs;
}
