import { isIP } from "node:net";
import { RE2JS } from "re2js";
import { programOf, syslogPatternReading } from "#model/pattern-text.ts";
import type { Report } from "./load-document.ts";
import { quoted } from "./source.ts";
import { at, itemsOf, type Mapping, textOf } from "./untyped.ts";

/** What the schema cannot say of the sections traps and syslog. */
export function checkReceivers(document: unknown, report: Report): void {
  const credentials = (at(document, "credentials") as Mapping | undefined) ?? {};
  for (const [index, name] of texts(at(at(document, "traps"), "credentials"))) {
    const pointer = `/traps/credentials/${index}`;
    if (!Object.hasOwn(credentials, name)) report(pointer, `unknown credential ${quoted(name)}`);
    else if (at(credentials[name], "snmp") === undefined) report(pointer, `${quoted(name)} has no snmp part`);
  }
  for (const section of ["traps", "syslog"]) {
    for (const [index, source] of texts(at(at(document, section), "sources"))) {
      if (!isNetwork(source)) report(`/${section}/sources/${index}`, `${quoted(source)} is not an address or network`);
    }
  }
  checkSyslogRules(at(at(document, "syslog"), "rules"), report);
}

function checkSyslogRules(rules: unknown, report: Report): void {
  const names = new Set<string>();
  for (const [index, rule] of itemsOf(rules)) {
    const pointer = `/syslog/rules/${index}`;
    const name = textOf(rule.name);
    if (name !== undefined && names.has(name)) report(`${pointer}/name`, `${quoted(name)} is the name of two rules`);
    if (name !== undefined) names.add(name);
    const regex = textOf(at(rule.match, "regex"));
    const program = regex === undefined ? undefined : programOf(regex, syslogPatternReading, (re2) => RE2JS.compile(re2));
    if (typeof program === "string") report(`${pointer}/match/regex`, program);
  }
}

function isNetwork(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128));
}

function texts(list: unknown): readonly (readonly [number, string])[] {
  return Array.isArray(list) ? list.flatMap((entry, index) => (typeof entry === "string" ? [[index, entry] as const] : [])) : [];
}
