import type { AlarmChange } from "#model/observation.ts";

/** What `GET /api/overview` answers, as far as the page looks at it. */
export interface Overview {
  readonly nowMs: number;
  readonly gateway: { readonly id: string; readonly site: string; readonly tenant: string; readonly version: string };
  readonly person: string;
  readonly scopes: readonly string[];
  readonly hasEditor: boolean;
  readonly status: StatusView;
  readonly alarms: readonly AlarmChange[];
  readonly verdict?: { readonly cause: string; readonly sentence: string; readonly evidence: readonly string[] };
  readonly checks: readonly CheckView[];
  readonly services: readonly ServiceView[];
}

export interface StatusView {
  readonly clock: { readonly quality: string };
  readonly uptimeS: number;
  readonly units: readonly { readonly name: string; readonly state: string; readonly restarts: number }[];
  readonly uplink: { readonly state?: string; readonly reason?: string };
  readonly ledger: {
    readonly polled: number;
    readonly delivered: number;
    readonly buffered: number;
    readonly dropped: number;
    readonly balances: boolean;
  };
  readonly buffer: { readonly usedBytes?: number; readonly budgetBytes?: number; readonly oldestMs?: number };
  readonly equipment: readonly EquipmentView[];
}

export interface EquipmentView {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly driver: string;
  readonly pollIntervalMs: number;
  readonly reachability: string;
  readonly sinceS: number;
  readonly lastError?: string;
  readonly lastPollMs?: number;
  readonly failures: number;
  readonly polls: number;
}

export interface CheckView {
  readonly id: string;
  readonly type: string;
  readonly target: string;
  readonly ok?: boolean;
  readonly atMs?: number;
  readonly detail?: string;
}

export interface ServiceView {
  readonly id: string;
  readonly label: string;
  readonly state: string;
  readonly detail?: string;
}

/** What stands in place of alarms where there are none of their own. What fails is an alarm only once it has lasted, so none may be told yet. */
export function wordsWithoutAlarms({
  status,
  checks,
  verdict,
  alarms,
}: Pick<Overview, "status" | "checks" | "verdict" | "alarms">): string {
  const isFailing = status.equipment.some(({ reachability }) => reachability === "down") || checks.some(({ ok }) => ok === false);
  if (isFailing || (verdict !== undefined && verdict.sentence !== ""))
    return "Something fails. It becomes an alarm once it has lasted a few minutes, unless somebody put it aside.";
  if (alarms.length > 0) return "Nothing is wrong but what is listed below.";
  return "Everything that is watched is as it should be.";
}
