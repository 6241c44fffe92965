import type { Event, PerceivedSeverity } from "#model/observation.ts";
import type { AlarmIdentity } from "#ports/alarms.ts";
import { printable } from "../conditions/text.ts";
import type { WatchParts } from "./watch-parts.ts";

/** What a trap or a syslog message means for alarms. All that is given in `match` must hold. */
export interface NotificationRule {
  readonly name: string;
  /** Event type (`trap.linkDown`, `syslog.message`), or a beginning that ends in `*`. */
  readonly on: string;
  readonly match?: {
    /** Trap OID, for traps without a definition. */
    readonly trapOid?: string;
    readonly tags?: Readonly<Record<string, string>>;
    readonly notTags?: Readonly<Record<string, readonly string[]>>;
    readonly app?: string;
    readonly facility?: number;
    /** Syslog severity at most (0 emergency .. 7 debug). */
    readonly maxSeverity?: number;
    /** Any of these in the text, ignoring case. */
    readonly contains?: readonly string[];
  };
  readonly action: "raise" | "clear";
  /** Type of the alarm; a raise and a clear that belong together name the same. */
  readonly alarm: string;
  /** `{TAG}` and `{index}` are filled in. */
  readonly path?: string;
  readonly severity?: PerceivedSeverity;
  readonly text?: string;
  readonly repair?: string;
  /** So many within `withinMs` until it is an alarm. Default 1. */
  readonly times?: number;
  readonly withinMs?: number;
  /** The alarm ends when nothing was heard for so long. Default a day: what is never cleared must not stay for ever. */
  readonly expireMs?: number;
}

const minute = 60_000;
const defaultExpireMs = 86_400_000;
const defaultWithinMs = 600_000;
const maxOpen = 2_000;

/** Standard traps that no poll tells better. linkDown and linkUp belong to the ports, restarts are seen by the uptime. */
export const defaultNotificationRules: readonly NotificationRule[] = [
  {
    ...{ name: "authentication-failures", on: "trap.authenticationFailure", action: "raise", alarm: "authenticationFailures" },
    ...{ severity: "warning", times: 5, withinMs: 10 * minute, expireMs: 20 * minute },
    text: "it refuses somebody's credentials again and again",
    repair: "See who asks: a scanner, an old management system, an attacker",
  },
  {
    // Sent when it begins and then every minute; a self-test is over before the second.
    ...{ name: "ups-on-battery-trap", on: "trap.upsTrapOnBattery", action: "raise", alarm: "upsOnBattery", severity: "major" },
    ...{ times: 2, withinMs: 150_000, expireMs: 5 * minute },
    ...{ text: "the mains failed: the UPS runs on battery", repair: "Check fuse and mains" },
  },
  {
    ...{ name: "ups-alarm-added", on: "trap.upsTrapAlarmEntryAdded", action: "raise", alarm: "upsAlarm", severity: "minor" },
    match: {
      notTags: {
        upsAlarmDescr: ["OnBattery", "LowBattery", "DepletedBattery", "TestInProgress", "OutputOffAsRequested", "UpsOffAsRequested"],
      },
    },
    ...{ path: "alarm/{upsAlarmDescr}", text: "the UPS reports {upsAlarmDescr}" },
  },
  { name: "ups-alarm-removed", on: "trap.upsTrapAlarmEntryRemoved", action: "clear", alarm: "upsAlarm", path: "alarm/{upsAlarmDescr}" },
  {
    ...{
      name: "poe-over-threshold",
      on: "trap.pethMainPowerUsageOnNotification",
      action: "raise",
      alarm: "poeBudget",
      severity: "warning",
    },
    ...{ path: "pethMainPseTable/{index}", text: "the power for PoE is nearly used up", expireMs: 60 * minute },
  },
  {
    ...{ name: "poe-under-threshold", on: "trap.pethMainPowerUsageOffNotification", action: "clear", alarm: "poeBudget" },
    path: "pethMainPseTable/{index}",
  },
];

interface Open {
  readonly identity: AlarmIdentity;
  readonly heardMs: number[];
  readonly expireMs: number;
  raised: boolean;
}

/** Traps and syslog messages to alarms, paired raise and clear; an alarm that nobody clears ends by itself. */
export class NotificationRules {
  readonly #parts: WatchParts;
  readonly #rules: readonly NotificationRule[];
  readonly #open = new Map<string, Open>();

  constructor(parts: WatchParts, rules: readonly NotificationRule[]) {
    this.#parts = parts;
    this.#rules = rules;
    const nowMs = parts.clock.monotonicMs();
    // Alarms of an earlier run end like those of this one.
    for (const { key, identity, condition } of parts.list.instances.values()) {
      const rule = rules.find((one) => one.name === condition.source.ref && one.action === "raise");
      if (rule !== undefined && (condition.source.kind === "trap" || condition.source.kind === "syslog"))
        this.#open.set(key, { identity, heardMs: [nowMs], expireMs: rule.expireMs ?? defaultExpireMs, raised: true });
    }
  }

  observe(event: Event): void {
    if (event.source !== "trap" && event.source !== "syslog") return;
    for (const rule of this.#rules) if (applies(rule, event)) this.#apply(rule, event);
  }

  tick(nowMs: number): void {
    for (const [key, { identity, heardMs, expireMs, raised }] of this.#open) {
      if (nowMs - (heardMs.at(-1) ?? 0) < expireMs) continue;
      // Who cannot be heard has not changed its mind.
      if (raised && this.#isSilent(identity.equipment)) continue;
      this.#open.delete(key);
      if (raised && this.#isOurs(identity)) this.#parts.list.clear(identity, "not heard of for a while");
    }
  }

  #isSilent(equipment: AlarmIdentity["equipment"]): boolean {
    if (equipment === undefined) return false;
    return this.#parts.list.find({ equipment, path: "", type: "equipmentUnreachable", qualifier: "" }) !== undefined;
  }

  /** A poll that sees the same knows better when it is over. */
  #isOurs(identity: AlarmIdentity): boolean {
    const kind = this.#parts.list.find(identity)?.condition.source.kind;
    return kind === "trap" || kind === "syslog";
  }

  #apply(rule: NotificationRule, event: Event): void {
    const { list, facts } = this.#parts;
    const identity = identityOf(rule, event);
    const key = list.keyOf(identity);
    if (rule.action === "clear") {
      this.#open.delete(key);
      list.clear(identity);
      return;
    }
    const nowMs = event.observedAt.monotonicMs;
    const open = this.#open.get(key) ?? { identity, heardMs: [], expireMs: rule.expireMs ?? defaultExpireMs, raised: false };
    if (!this.#open.has(key) && this.#open.size >= maxOpen) return;
    this.#open.set(key, open);
    const times = rule.times ?? 1;
    while (open.heardMs.length > 0 && nowMs - (open.heardMs[0] ?? 0) > (rule.withinMs ?? defaultWithinMs)) open.heardMs.shift();
    open.heardMs.push(nowMs);
    if (open.heardMs.length > 100) open.heardMs.shift();
    if (open.heardMs.length < times) return;
    open.raised = true;
    if (list.find(identity) !== undefined && !this.#isOurs(identity)) return;
    const name = event.equipment === undefined ? undefined : facts.nameOf(event.equipment);
    const said = rule.text === undefined ? event.text : filled(rule.text, event);
    list.set({
      ...identity,
      severity: rule.severity ?? event.severity,
      text: name === undefined ? said : `${name}: ${said}`,
      ...(rule.repair === undefined ? {} : { repair: rule.repair }),
      source: { kind: event.source === "trap" ? "trap" : "syslog", ref: rule.name },
      ...(name === undefined ? {} : { attributes: { name } }),
    });
  }
}

function applies({ on, match }: NotificationRule, event: Event): boolean {
  if (on.endsWith("*") ? !event.type.startsWith(on.slice(0, -1)) : event.type !== on) return false;
  if (match === undefined) return true;
  const { trapOid, tags, notTags, app, facility, maxSeverity, contains } = match;
  const { attributes } = event;
  if (trapOid !== undefined && attributes.trapOid !== trapOid) return false;
  if (app !== undefined && attributes.app !== app) return false;
  if (facility !== undefined && attributes.facility !== facility) return false;
  const severity = attributes.syslogSeverity;
  if (maxSeverity !== undefined && !(typeof severity === "number" && severity <= maxSeverity)) return false;
  const text = event.text.toLowerCase();
  if (contains !== undefined && !contains.some((part) => text.includes(part.toLowerCase()))) return false;
  const said = tagsOf(event);
  if (Object.entries(tags ?? {}).some(([name, wanted]) => said.get(name) !== wanted)) return false;
  return !Object.entries(notTags ?? {}).some(([name, unwanted]) => unwanted.includes(said.get(name) ?? ""));
}

function tagsOf({ attributes }: Event): ReadonlyMap<string, string> {
  const { tags } = attributes;
  if (typeof tags !== "object" || tags === null) return new Map();
  return new Map(Object.entries(tags).map(([name, value]) => [name, String(value)]));
}

function filled(template: string, event: Event): string {
  const tags = tagsOf(event);
  return template.replaceAll(/\{([A-Za-z0-9_.-]{1,64})\}/g, (_all, name: string) =>
    printable(name === "index" ? String(event.attributes.index ?? "") : name === "text" ? event.text : (tags.get(name) ?? "")),
  );
}

function identityOf(rule: NotificationRule, event: Event): AlarmIdentity {
  const path = rule.path === undefined ? "" : filled(rule.path, event);
  // Several unknown senders must not share one alarm.
  const source = typeof event.attributes.sourceAddress === "string" ? event.attributes.sourceAddress : "";
  return event.equipment === undefined
    ? { path, type: rule.alarm, qualifier: source }
    : { equipment: event.equipment, path, type: rule.alarm, qualifier: "" };
}
