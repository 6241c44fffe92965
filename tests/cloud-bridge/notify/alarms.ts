import type { EquipmentId } from "../../../runtime/model/equipment.ts";
import type { AlarmChange } from "../../../runtime/model/observation.ts";
import { monotonicMs, wallMs } from "../../../runtime/model/time.ts";

const at = { wallMs: wallMs(1_795_294_121_000), monotonicMs: monotonicMs(5_000), bootId: "0000beef", quality: "synced" } as const;

/** One alarm change; the same `id` and `key` is the same alarm. */
export function alarm(name: string, change: Partial<AlarmChange> = {}): AlarmChange {
  return {
    kind: "alarm",
    op: "raise",
    id: `01K9ZQ3C5T4M8Y2X7W6V5B4${name.toUpperCase().padStart(3, "0")}`,
    key: `a1:${Buffer.from(name).toString("hex").padEnd(32, "0")}`,
    rev: 1,
    equipment: "sw-1" as EquipmentId,
    path: "interface/Gi1/0/24",
    type: "linkDown",
    qualifier: "",
    severity: "major",
    cleared: false,
    text: "Uplink Gi1/0/24 is down",
    observedAt: at,
    raisedAt: at,
    changes: 1,
    attributes: {},
    ...change,
  };
}

export function cleared(raised: AlarmChange): AlarmChange {
  return { ...raised, op: "clear", cleared: true, rev: raised.rev + 1 };
}
