import type { Clock } from "#ports/clock.ts";
import type { SiteTopology } from "#ports/topology.ts";
import type { AlarmList } from "../alarm-list.ts";
import type { EquipmentFacts } from "./equipment-facts.ts";
import type { LastingNotes } from "./lasting-notes.ts";

/** What every watch is given. */
export interface WatchParts {
  readonly list: AlarmList;
  readonly clock: Clock;
  readonly notes: LastingNotes;
  readonly topology: SiteTopology;
  readonly facts: EquipmentFacts;
}
