import { RE2JS } from "re2js";
import type { PerceivedSeverity } from "#model/observation.ts";
import { programOf, syslogPatternReading } from "#model/pattern-text.ts";
import type { SyslogMessage } from "./syslog-message.ts";

/** Characters of a message that a pattern sees. */
const maxMatchedLength = 512;
const maxPatternLength = 256;
const maxRules = 500;
const maxTags = 16;

/** What a message must have; all that is given must hold. */
export interface SyslogMatch {
  /** Any of these, ignoring case: the cheap test that comes first. */
  readonly contains?: readonly string[];
  /** On the text, ignoring case; named groups become tags. */
  readonly regex?: string;
  readonly app?: string;
  /** `FAC-SEV-MNEMONIC`, exact. */
  readonly mnemonic?: string;
  /** Syslog severity at most (0 emergency .. 7 debug). */
  readonly maxSeverity?: number;
  readonly facility?: number;
}

/** First match wins. */
export interface SyslogRule {
  readonly name: string;
  readonly match: SyslogMatch;
  /** Event type behind `syslog.`; absent = the message is dropped. */
  readonly type?: string;
  /** Absent = from the message's own severity. */
  readonly severity?: PerceivedSeverity;
}

export interface RuleHit {
  readonly rule: string;
  readonly type: string | undefined;
  readonly severity: PerceivedSeverity;
  readonly tags: Readonly<Record<string, string>>;
}

export interface RuleProblem {
  readonly rule: string;
  readonly problem: string;
}

interface CompiledRule extends SyslogRule {
  readonly pattern: RE2JS | undefined;
  readonly needles: readonly string[];
}

/** RFC 5424's severities in RFC 8632's terms. */
export function perceivedSeverity(syslogSeverity: number): PerceivedSeverity {
  if (syslogSeverity <= 2) return "critical";
  if (syslogSeverity === 3) return "major";
  return syslogSeverity === 4 ? "warning" : "indeterminate";
}

/** Rules in order, with their patterns checked and compiled. A broken rule costs itself only. */
export class SyslogRules {
  readonly problems: readonly RuleProblem[];
  readonly #rules: CompiledRule[] = [];

  constructor(rules: readonly SyslogRule[]) {
    const problems: RuleProblem[] = [];
    for (const rule of rules.slice(0, maxRules)) {
      const compiled = compile(rule);
      if (typeof compiled === "string") problems.push({ rule: rule.name, problem: compiled });
      else this.#rules.push(compiled);
    }
    if (rules.length > maxRules) problems.push({ rule: "*", problem: `more than ${maxRules} rules; the rest is left out` });
    this.problems = problems;
  }

  get size(): number {
    return this.#rules.length;
  }

  match(message: SyslogMessage): RuleHit | undefined {
    const lower = message.text.slice(0, maxMatchedLength).toLowerCase();
    for (const rule of this.#rules) {
      const tags = this.#tagsOf(rule, message, lower);
      if (tags !== undefined)
        return { rule: rule.name, type: rule.type, severity: rule.severity ?? perceivedSeverity(message.severity), tags };
    }
    return undefined;
  }

  #tagsOf(rule: CompiledRule, message: SyslogMessage, lower: string): Readonly<Record<string, string>> | undefined {
    const { match, needles, pattern } = rule;
    if (match.maxSeverity !== undefined && message.severity > match.maxSeverity) return undefined;
    if (match.facility !== undefined && message.facility !== match.facility) return undefined;
    if (match.app !== undefined && message.app !== match.app) return undefined;
    if (match.mnemonic !== undefined && message.mnemonic !== match.mnemonic) return undefined;
    if (needles.length > 0 && !needles.some((needle) => lower.includes(needle))) return undefined;
    if (pattern === undefined) return {};
    // Declared as any[]: what RegExp gives.
    const found = pattern.exec(message.text.slice(0, maxMatchedLength)) as RegExpExecArray | null;
    if (found === null) return undefined;
    const groups = Object.entries(found.groups ?? {}).slice(0, maxTags);
    return Object.fromEntries(groups.flatMap(([name, value]) => (value === undefined ? [] : [[name, value.slice(0, 240)]])));
  }
}

/** @returns the rule as it is matched, or what is wrong with it */
function compile(rule: SyslogRule): CompiledRule | string {
  if (rule.type !== undefined && !/^[a-z][a-z0-9.-]{0,62}$/.test(rule.type)) return "type is not of a-z, 0-9, '.' and '-'";
  if (Object.values(rule.match).every((value) => value === undefined)) return "matches everything";
  const pattern = rule.match.regex === undefined ? undefined : compilePattern(rule.match.regex);
  if (typeof pattern === "string") return `pattern ${pattern}`;
  return { ...rule, pattern, needles: (rule.match.contains ?? []).map((needle) => needle.toLowerCase()) };
}

/** Subjects come from strangers: RE2 runs it, which no text can make slow. */
function compilePattern(source: string): RE2JS | string {
  if (source.length > maxPatternLength) return `is longer than ${maxPatternLength} characters`;
  return programOf(source, syslogPatternReading, (re2) => RE2JS.compile(re2, RE2JS.CASE_INSENSITIVE));
}

/** What equipment says in many words and everywhere means: own rules come before these. */
export const builtInSyslogRules: readonly SyslogRule[] = [
  rule("link-down", "link-down", "minor", { contains: ["link down", "changed state to down", "link is down", "port down"] }),
  rule("link-up", "link-up", "indeterminate", { contains: ["link up", "changed state to up", "link is up"] }),
  rule("login-failed", "login-failed", "warning", {
    contains: ["failed password", "authentication failure", "authentication failed", "login failed", "invalid user", "login failure"],
  }),
  rule("configuration-changed", "configuration-changed", "indeterminate", {
    contains: ["configured from", "configuration changed", "config changed", "configuration has been changed", "running-config changed"],
  }),
  rule("topology-changed", "topology-changed", "warning", { contains: ["topology change", "new root bridge", "root bridge changed"] }),
  rule("loop-detected", "loop-detected", "major", { contains: ["loop detected", "loopback detected", "loop protection", "bpdu guard"] }),
  rule("address-conflict", "address-conflict", "major", {
    contains: ["duplicate ip", "ip address conflict", "duplicate address", "ip conflict"],
  }),
  rule("out-of-memory", "out-of-memory", "major", { contains: ["out of memory", "oom-killer", "memory allocation fail"] }),
  rule("disk-error", "disk-error", "major", { contains: ["i/o error", "medium error", "uncorrectable", "smart failure", "read error"] }),
  rule("raid-degraded", "raid-degraded", "critical", { contains: ["raid degraded", "volume degraded", "array degraded", "has degraded"] }),
  rule("fan-failed", "fan-failed", "major", { contains: ["fan fail", "fan failure", "fan error"] }),
  rule("power-failed", "power-failed", "major", { contains: ["power supply fail", "power failure", "power lost", "on battery"] }),
  rule("overheating", "overheating", "major", { contains: ["over temperature", "overheat", "temperature critical", "thermal shutdown"] }),
  rule("poe-denied", "poe-denied", "warning", { contains: ["poe power denied", "power denied", "poe overload", "power budget exceeded"] }),
  rule("restarted", "restarted", "warning", {
    contains: ["system restarted", "system rebooted", "cold start", "warm start", "reload requested"],
  }),
];

function rule(name: string, type: string, severity: PerceivedSeverity, match: SyslogMatch): SyslogRule {
  return { name, type, severity, match };
}
