import { isEquipmentId } from "#model/equipment.ts";
import type { FlowGround, FlowServiceStatus, FlowStatus } from "#ports/flow-ground.ts";
import type { SiteLookup } from "./compile/parameters.ts";
import type { FlowSet } from "./flow-set.ts";
import type { UnitTracker } from "./health.ts";
import type { HostKeeper } from "./host-keeper.ts";
import { localTabs } from "./local-tabs.ts";
import type { MetricBook } from "./metric-book.ts";

export interface StatusParts {
  readonly missing: string | undefined;
  readonly keeper: HostKeeper;
  readonly set: FlowSet;
  readonly tracker: UnitTracker;
  readonly unattributed: number;
  readonly created: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly editor: string;
}

/** How the flow wing stands, for `gatehouse status`, the console and `services.list`. */
export function wingStatus(parts: StatusParts): FlowStatus {
  const { missing, keeper, set } = parts;
  const { pid, residentBytes } = keeper;
  const state = missing !== undefined ? "off" : set.safe !== undefined && keeper.state === "running" ? "safe" : keeper.state;
  const reason = missing ?? set.safe;
  return {
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(pid === undefined ? {} : { pid }),
    ...(residentBytes === undefined ? {} : { residentBytes }),
    restarts: keeper.restarts,
    unattributedFailures: parts.unattributed,
    services: services(parts),
    nodesCreated: parts.created,
    dropped: parts.dropped,
    editor: parts.editor === "open" || parts.editor === "starting" ? parts.editor : "closed",
    localTabs: localTabs(set),
  };
}

function services({ set, tracker, keeper }: StatusParts): readonly FlowServiceStatus[] {
  const { committed, trials, bans } = set;
  const soaking = [...trials.values()]
    .filter(({ unit }) => !committed.has(unit.id))
    .map(({ unit }) => ({ unit, activatedAtMs: undefined }));
  const kept = [...bans.values()].filter((ban) => !committed.has(ban.unit) && !trials.has(ban.unit));
  const rows = [...committed.values(), ...soaking].map(({ unit, activatedAtMs }): FlowServiceStatus => {
    const facts = tracker.of(unit.id);
    const ban = bans.get(unit.id);
    const isOut = ban !== undefined && set.isBanned(unit);
    const reason = isOut ? ban.reason : ban?.reason;
    const isUp = keeper.state === "running" && set.safe === undefined;
    const state = trials.has(unit.id) ? "soaking" : isOut ? "quarantined" : isUp ? "running" : "stopped";
    return {
      id: unit.id,
      label: unit.label,
      source: unit.source,
      state,
      errors: facts.errors,
      droppedMessages: facts.dropped,
      ...(reason === undefined ? {} : { reason }),
      ...(activatedAtMs === undefined ? {} : { activatedAtMs }),
    };
  });
  const refused = kept.map(
    ({ unit, kind, reason }): FlowServiceStatus => ({
      id: unit,
      label: unit,
      source: "",
      state: kind,
      reason,
      errors: 0,
      droppedMessages: 0,
    }),
  );
  return [...rows, ...refused];
}

/** What the editor's pickers offer. */
export function picked(what: string, equipment: string, ground: FlowGround, book: MetricBook): readonly unknown[] {
  if (what === "equipment") return ground.equipment().map(({ id, name }) => ({ id, label: name ?? id }));
  if (what === "checks")
    return (ground.checks?.list() ?? []).map(({ definition }) => ({ id: definition.id, label: definition.name ?? definition.id }));
  if (what === "channels")
    return (ground.channels?.() ?? []).map(({ name, kind }) => ({ id: name, label: name === kind ? name : `${name} (${kind})` }));
  if (what === "metrics") return book.entries(equipment === "" ? undefined : equipment);
  return [];
}

/** What parameters of services may name. */
export function siteOf(ground: FlowGround): SiteLookup {
  return {
    hasEquipment: (id) => isEquipmentId(id) && ground.equipment().some((one) => one.id === id),
    hasCheck: (id) => ground.checks?.list().some(({ definition }) => definition.id === id) === true,
  };
}
