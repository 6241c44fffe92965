import type { EquipmentId } from "#model/equipment.ts";
import type { AlarmIdentity } from "#ports/alarms.ts";
import type { SiteTopology } from "#ports/topology.ts";
import type { AlarmInstance } from "./instance.ts";

/** Where the reason of an alarm is looked for. */
type Scope = "equipment" | "path" | "site" | "link" | "upstream" | "target" | "router" | "wan";

/** One kind of reason: alarms of these types, there, make this one a consequence. */
interface Reason {
  readonly types: readonly string[];
  readonly scope: Scope;
  /** Either may be the reason of the other: the one that came first is. */
  readonly isMutual?: true;
  /** The consequence began at most so long after it. */
  readonly withinMs?: number;
}

const isolation = ["gatewayIsolated"];
const wayOut = [...isolation, "accessLineDown", "ispDown"];
/** The router itself, and the ports of the ways to it and from it. */
const router: Reason = { types: ["equipmentUnreachable", "linkDown", "unexpectedRestart"], scope: "router" };
/** What hangs on no UPS goes dark with the mains, the rest when the battery is empty. */
const power: readonly Reason[] = [
  { types: ["upsOnBattery"], scope: "site", withinMs: 120_000 },
  { types: ["upsBatteryLow", "upsRuntimeLow"], scope: "site" },
];
const disks = [
  "diskStatus",
  "diskHealthStatus",
  "hdStatus",
  "physicalDiskState",
  "cpqDaPhyDrvStatus",
  "diskSummary",
  "diskSmartInfo",
  "diskBadSectors",
];
const arrays = ["raidStatus", "virtualDiskState", "cpqDaLogDrvStatus"];
const parts = [
  ...disks,
  ...arrays,
  "temperatureHigh",
  "upsOnBattery",
  "entPhySensorOperStatus",
  "systemFanStatus",
  "cpuFanStatus",
  "powerStatus",
];

/** What makes what, by type of the consequence. First reason that is found counts. */
const reasons: Readonly<Record<string, readonly Reason[]>> = {
  equipmentUnreachable: [
    { types: isolation, scope: "site" },
    ...power,
    { types: ["equipmentUnreachable", "linkDown"], scope: "upstream" },
    { types: ["linkDown"], scope: "link", isMutual: true },
    { types: ["unexpectedRestart", "deviceSwapped", "authenticationFailures"], scope: "equipment", isMutual: true },
  ],
  linkDown: [
    ...power,
    { types: ["linkDown"], scope: "link", isMutual: true },
    { types: ["equipmentUnreachable", "unexpectedRestart", "deviceSwapped"], scope: "link", isMutual: true },
    { types: ["unexpectedRestart"], scope: "equipment", isMutual: true },
    { types: ["poeBudget"], scope: "equipment" },
    { types: ["accessLineDown", "ispDown"], scope: "wan", isMutual: true },
  ],
  unexpectedRestart: [
    ...power,
    { types: ["equipmentUnreachable", "deviceSwapped"], scope: "equipment", isMutual: true },
    { types: ["linkDown"], scope: "link", isMutual: true },
    { types: ["unexpectedRestart", "equipmentUnreachable", "linkDown"], scope: "upstream" },
  ],
  deviceSwapped: [
    { types: ["equipmentUnreachable", "unexpectedRestart"], scope: "equipment", isMutual: true },
    { types: ["linkDown"], scope: "link", isMutual: true },
  ],
  linkErrors: [
    { types: ["duplexMismatch"], scope: "path" },
    { types: ["duplexMismatch"], scope: "link" },
    { types: ["linkErrors"], scope: "link", isMutual: true },
  ],
  duplexMismatch: [{ types: ["duplexMismatch"], scope: "link", isMutual: true }],
  checkFailed: [
    { types: [...wayOut, "dnsDown", "equipmentUnreachable"], scope: "site" },
    { types: ["equipmentUnreachable", "linkDown"], scope: "equipment" },
    { types: ["certificateExpiry"], scope: "path" },
    { types: ["clockWrong"], scope: "path" },
    { types: ["checkFailed", "nocUnreachable"], scope: "target", isMutual: true },
    router,
  ],
  certificateExpiry: [{ types: ["certificateExpiry"], scope: "target", isMutual: true }],
  nocUnreachable: [{ types: [...wayOut, "dnsDown"], scope: "site" }, { types: ["checkFailed"], scope: "target", isMutual: true }, router],
  dnsDown: [{ types: wayOut, scope: "site" }, router],
  ispDown: [{ types: [...isolation, "accessLineDown"], scope: "site" }],
  accessLineDown: [{ types: isolation, scope: "site" }, router, { types: ["linkDown"], scope: "wan", isMutual: true }],
  gatewayIsolated: [...power, { types: ["lanDown"], scope: "site", isMutual: true }],
  lanDown: [...power, { types: isolation, scope: "site", isMutual: true }],
  upsBatteryLow: [{ types: ["upsOnBattery"], scope: "equipment" }],
  upsRuntimeLow: [{ types: ["upsOnBattery"], scope: "equipment" }],
  upsAlarm: [{ types: ["upsOnBattery", "upsBatteryReplace", "upsBatteryWorn"], scope: "equipment" }],
  upsBatteryFading: [{ types: ["upsBatteryReplace", "upsBatteryWorn"], scope: "equipment" }],
  upsBatteryWorn: [{ types: ["upsBatteryReplace"], scope: "equipment" }],
  volumeForecast: [{ types: ["volumeFull"], scope: "path", isMutual: true }],
  volumeFull: [
    { types: ["volumeForecast"], scope: "path", isMutual: true },
    { types: ["poolFull"], scope: "equipment", isMutual: true },
  ],
  temperatureHigh: [{ types: ["temperatureHigh"], scope: "equipment", isMutual: true }],
  poolFull: [{ types: ["volumeFull"], scope: "equipment", isMutual: true }],
  authenticationFailures: [{ types: ["equipmentAccess", "equipmentUnreachable"], scope: "equipment", isMutual: true }],
  equipmentAccess: [{ types: ["authenticationFailures"], scope: "equipment", isMutual: true }],
  // A supply that was low for days has not jammed the paper.
  printerStopped: [{ types: ["supplyLow"], scope: "equipment", withinMs: 3_600_000 }],
  supplyLow: [{ types: ["lowToner", "noToner"], scope: "equipment", isMutual: true }],
  lowToner: [{ types: ["supplyLow"], scope: "equipment", isMutual: true }],
  ...Object.fromEntries(arrays.map((type) => [type, [{ types: disks, scope: "equipment" } as const]])),
  // One bad disk shows in its state, its health and its counts.
  ...Object.fromEntries(
    disks.map((type) => [type, [{ types: disks.filter((one) => one !== type), scope: "path", isMutual: true } as const]]),
  ),
  ...Object.fromEntries(
    ["systemStatus", "globalSystemStatus", "globalStorageStatus", "cpqHeMibCondition"].map((type) => [
      type,
      [{ types: parts, scope: "equipment" } as const],
    ]),
  ),
};

/** What has no end of its own. */
const momentary: ReadonlySet<string> = new Set(["unexpectedRestart", "deviceSwapped"]);
/** A reason must not be much younger than what it explains, unless either may be the other's. */
const laterMs = 300_000;
const maxSteps = 16;

/** What the finder needs to know of the site. */
export interface SiteView {
  readonly topology: SiteTopology;
  /** Monitored equipment that is the site's way out. */
  readonly router?: EquipmentId | undefined;
  /** A port that leads out of the site. */
  readonly isWayOut?: (identity: AlarmIdentity) => boolean;
}

/** Finds for each alarm the one it follows from. Pure. */
export class RootFinder {
  readonly #topology: SiteTopology;
  readonly #router: EquipmentId | undefined;
  readonly #isWayOut: (identity: AlarmIdentity) => boolean;
  readonly #byPlace = new Map<string, AlarmInstance[]>();

  /**
   * @param alarms active ones, and such that ended not long ago
   * @param site its cables, the monitored equipment that is its way out, and which ports lead out of it
   */
  constructor(alarms: Iterable<AlarmInstance>, site: SiteView) {
    this.#topology = site.topology;
    this.#router = site.router;
    this.#isWayOut = site.isWayOut ?? (() => false);
    for (const alarm of alarms) {
      const { equipment, type } = alarm.identity;
      for (const place of [`${type} ${equipment ?? ""}`, `${type} *`]) {
        const there = this.#byPlace.get(place);
        if (there === undefined) this.#byPlace.set(place, [alarm]);
        else there.push(alarm);
      }
    }
  }

  /** Key of the first cause; undefined = it is its own. */
  rootOf(alarm: AlarmInstance): string | undefined {
    let found = this.#reasonOf(alarm);
    const seen = new Set([alarm]);
    for (let step = 0; found !== undefined && step < maxSteps; step++) {
      if (seen.has(found)) return undefined;
      seen.add(found);
      const further: AlarmInstance | undefined = this.#reasonOf(found);
      if (further === undefined || seen.has(further)) return found.key;
      found = further;
    }
    return found?.key;
  }

  #reasonOf(alarm: AlarmInstance): AlarmInstance | undefined {
    for (const reason of reasons[alarm.identity.type] ?? []) {
      const found = this.#candidates(alarm, reason).find((other) => isEarlyEnough(other, alarm, reason));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #candidates(alarm: AlarmInstance, { types, scope }: Reason): readonly AlarmInstance[] {
    const { equipment, path } = alarm.identity;
    const at = (where: string | undefined) => types.flatMap((type) => this.#byPlace.get(`${type} ${where ?? ""}`) ?? []);
    if (scope === "equipment") return equipment === undefined ? [] : at(equipment);
    if (scope === "path") return at(equipment).filter((one) => one.identity.path === path);
    if (scope === "target") return at("*").filter((one) => hostOf(one) !== undefined && hostOf(one) === hostOf(alarm));
    if (scope === "router") return this.#router === undefined ? [] : [...at(this.#router), ...this.#towards(this.#router, at)];
    if (scope === "wan") return this.#ofWayOut(alarm, at);
    if (scope === "site") return at("*").filter((one) => isSiteWide(one, alarm));
    if (equipment === undefined) return [];
    return scope === "link" ? this.#atOtherEnd(equipment, alarm, at) : this.#upstream(equipment, at);
  }

  /** Alarms of the cable's other end: of its port, or of the equipment there as a whole. */
  #atOtherEnd(equipment: EquipmentId, alarm: AlarmInstance, at: (where: string) => readonly AlarmInstance[]): readonly AlarmInstance[] {
    const { path } = alarm.identity;
    const port = path.startsWith("interface/") ? path.slice("interface/".length) : undefined;
    return this.#topology.links(equipment).flatMap((link) => {
      if (link.other === undefined || (port !== undefined && link.port !== port)) return [];
      return at(link.other).filter(({ identity }) => {
        if (identity.path === "") return true;
        return link.otherPort === undefined ? port !== undefined : identity.path === `interface/${link.otherPort}`;
      });
    });
  }

  /** The port that leads out of the site, and what the verdict says of the line behind it. */
  #ofWayOut(alarm: AlarmInstance, at: (where: string) => readonly AlarmInstance[]): readonly AlarmInstance[] {
    if (alarm.identity.type === "linkDown") return this.#isWayOut(alarm.identity) ? at("") : [];
    return at("*").filter(({ identity }) => this.#isWayOut(identity));
  }

  /** Ports of its neighbours that lead to it. */
  #towards(equipment: EquipmentId, at: (where: string) => readonly AlarmInstance[]): readonly AlarmInstance[] {
    return this.#topology.links(equipment).flatMap(({ other, otherPort }) => {
      if (other === undefined || otherPort === undefined) return [];
      return at(other).filter(({ identity }) => identity.path === `interface/${otherPort}`);
    });
  }

  /** Whatever lies between it and the gateway: equipment that is silent, and ports towards it that are down. */
  #upstream(equipment: EquipmentId, at: (where: string) => readonly AlarmInstance[]): readonly AlarmInstance[] {
    const found: AlarmInstance[] = [];
    let below = equipment;
    for (let step = 0; step < maxSteps; step++) {
      const above = this.#topology.parent(below);
      if (above === undefined) break;
      const child = below;
      const towards = this.#topology.links(above).filter((link) => link.other === child);
      const ports = new Set(towards.flatMap(({ port }) => (port === undefined ? [] : [`interface/${port}`])));
      found.push(...at(above).filter(({ identity }) => !identity.path.startsWith("interface/") || ports.has(identity.path)));
      below = above;
    }
    return found;
  }
}

/** Whether an alarm without a place in the topology speaks for this one. */
function isSiteWide(one: AlarmInstance, alarm: AlarmInstance): boolean {
  if (one === alarm) return false;
  // A silent device explains the check of its own address only; the site's own alarms explain every check.
  if (one.identity.type === "equipmentUnreachable") {
    const ip = one.condition.attributes?.ip;
    return ip !== undefined && ip === hostOf(alarm);
  }
  return true;
}

function isEarlyEnough(reason: AlarmInstance, alarm: AlarmInstance, { isMutual, types, withinMs }: Reason): boolean {
  if (reason === alarm) return false;
  const sameBoot = reason.raisedAt.bootId === alarm.raisedAt.bootId;
  const leadMs = sameBoot ? alarm.raisedAt.monotonicMs - reason.raisedAt.monotonicMs : alarm.raisedAt.wallMs - reason.raisedAt.wallMs;
  if (withinMs !== undefined && leadMs > withinMs) return false;
  // It stands in the list for an hour or a day; it was over at once.
  if (momentary.has(reason.identity.type) && leadMs > laterMs) return false;
  // What ended before this began explains it only where it takes time to come back.
  if (reason.cleared && !types.includes("upsBatteryLow") && reason.changedAt.monotonicMs < alarm.raisedAt.monotonicMs - laterMs)
    return false;
  return isMutual === true ? leadMs > 0 || (leadMs === 0 && reason.key < alarm.key) : leadMs >= -laterMs;
}

/** Host of a check's target. */
function hostOf({ condition }: AlarmInstance): string | undefined {
  const target = condition.attributes?.target;
  if (typeof target !== "string") return undefined;
  // `host:port` would pass for a URL with a scheme of that name.
  const host = target.includes("://") && URL.canParse(target) ? new URL(target).hostname : target;
  return (
    host
      .replace(/^\[|\]$/g, "")
      .replace(/:\d+$/, "")
      .toLowerCase() || undefined
  );
}
