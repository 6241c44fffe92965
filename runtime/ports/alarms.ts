import type { EquipmentId } from "#model/equipment.ts";
import type { AlarmChange, PerceivedSeverity } from "#model/observation.ts";

/** What an alarm is about. The same (equipment, path, type, qualifier) is always the same alarm, whoever says so: its key is made of it. */
export interface AlarmIdentity {
  /** Absent = the site or the gateway itself. */
  readonly equipment?: EquipmentId;
  /** Resource inside the equipment: `interface/Gi1/0/3`, `volume//data`, `supply/Black Toner`; "" = the equipment itself. At most 256 characters. */
  readonly path: string;
  /** Kind of alarm: `linkDown`, `volumeFull`, `checkFailed`. `[A-Za-z][A-Za-z0-9._-]{0,63}`. */
  readonly type: string;
  /** Tells alarms of one type and resource apart (a check's id); "" otherwise. At most 128 characters. */
  readonly qualifier: string;
}

/** Who noticed. `ref`: trap OID, rule name, check id, flow node; at most 128 characters. */
export interface AlarmSource {
  readonly kind: "trap" | "poll" | "syslog" | "check" | "flow" | "gateway";
  readonly ref?: string;
  /** Name of the polled table it is about a row of; kept here, not sent. */
  readonly table?: string;
}

/** An alarm as its source sees it now. */
export interface AlarmCondition extends AlarmIdentity {
  readonly severity: PerceivedSeverity;
  /** One sentence for people, at most 1,024 characters. */
  readonly text: string;
  /** Probable cause in X.733's words (`lossOfSignal`), if known. */
  readonly cause?: string;
  /** What a person should do. */
  readonly repair?: string;
  readonly source: AlarmSource;
  /**
   * Further facts, JSON values only, at most 4 KiB. Names of PROTOCOL 7.1 are kept (`label`, `name`, `ip`, `thr`, `cat`, `alt`, `corr`);
   * what the list itself decides (`root`, `flap`, `maint`, `shelved`, `verdict`, `psev`, `trend`, `src`) is overwritten.
   */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** Which alarms are meant: everything given must hold. At least one of them. */
export interface AlarmMatch {
  readonly key?: string;
  /** Exact, or a beginning that ends in `*`. */
  readonly equipment?: string;
  readonly type?: string;
  /** Exact, or a beginning that ends in `*`. */
  readonly path?: string;
}

/** Alarms a person does not want to see for a while. They are computed, sent and kept all the same, marked `shelved`. */
export interface AlarmShelf {
  readonly id: string;
  readonly match: AlarmMatch;
  /** Unix ms; at most 366 days ahead. */
  readonly untilMs: number;
  readonly reason: string;
  readonly by: string;
  readonly createdMs: number;
}

/** Planned work. Alarms raised inside are marked `maint` with the window's id and count as no incident; they are kept all the same. */
export interface MaintenanceWindow {
  readonly id: string;
  /** Absent = the whole site. */
  readonly match?: AlarmMatch;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
  readonly by: string;
}

export interface AlarmHistoryQuery {
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly equipment?: string;
  readonly key?: string;
  /** Newest first; at most 1,000, 100 if absent. */
  readonly limit?: number;
}

/**
 * The site's alarm list (RFC 8632, PROTOCOL 7): who notices something sets it and clears it again; the list makes instances, revisions,
 * flap detection, root causes, shelving and maintenance marks of it, sends changes through the Intake and survives restarts.
 */
export interface Alarms {
  /**
   * Raises, changes or confirms. Idempotent: the same severity again costs nothing and sends nothing (a changed text alone is taken over
   * with the next change). Never throws and never waits; beyond the bounds of the list or of a storm the condition is held back and
   * counted, and one alarm says so.
   */
  set(condition: AlarmCondition): void;
  /** Ends it. Clearing what is not active is nothing. @param text why it is over; absent = the alarm's own text stays */
  clear(identity: AlarmIdentity, text?: string): void;
  /** Newest state of every alarm that is not cleared, most severe first. At most 2,000. */
  active(): readonly AlarmChange[];
  /** Key under which an identity is known here and at the NOC. */
  keyOf(identity: AlarmIdentity): string;
  /** Changes on this site, newest first. */
  history(query: AlarmHistoryQuery): readonly AlarmChange[];
  shelves(): readonly AlarmShelf[];
  /** @throws GatewayError command.refused: empty match, too long, too many */
  shelve(shelf: Omit<AlarmShelf, "id" | "createdMs">): AlarmShelf;
  /** @returns false = there is no such shelf */
  unshelve(id: string): boolean;
  maintenance(): readonly MaintenanceWindow[];
  /** @throws GatewayError command.refused */
  startMaintenance(window: Omit<MaintenanceWindow, "id">): MaintenanceWindow;
  /** Ends it now; what is still wrong counts from now on. @returns false = there is no such window */
  endMaintenance(id: string): boolean;
  /** Called with every change that is sent (raise, change, clear; not reassert), in order; must return at once and never throw. Returns the removal. */
  onChange(tap: (change: AlarmChange) => void): () => void;
}
