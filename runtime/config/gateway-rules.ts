import { isIP } from "node:net";
import { Secret } from "#model/secret.ts";
import { checkAlarms } from "./alarm-rules.ts";
import { checkDiscovery } from "./discovery-rules.ts";
import type { SettingsCheck } from "./driver-settings.ts";
import { escapePointer } from "./json-schema.ts";
import type { Report } from "./load-document.ts";
import { checkNotify } from "./notify-rules.ts";
import { checkReceivers } from "./receiver-rules.ts";
import { quoted } from "./source.ts";
import { nearest } from "./spelling.ts";
import { at, entriesOf, itemsOf, type Mapping, textOf } from "./untyped.ts";

/** RFC 3414 section 11.2: a pass phrase has at least eight characters; agents refuse shorter ones. */
const minPassPhraseLength = 8;

/** What the schema of gatehouse.yaml cannot say. */
export function checkGatewayRules(document: unknown, drivers: ReadonlyMap<string, SettingsCheck>, report: Report): void {
  checkUplink(at(document, "uplink"), report);
  checkListeners(document, report);
  checkReceivers(document, report);
  for (const [name, entry] of entriesOf(at(document, "credentials"))) {
    checkSnmp(at(entry, "snmp"), `/credentials/${escapePointer(name)}/snmp`, report);
  }
  checkEquipment(document, drivers, report);
  const ids = itemsOf(at(document, "equipment")).flatMap(([, entry]) => textOf(entry.id) ?? []);
  checkAlarms(at(document, "alarms"), ids, report);
  checkNotify(at(document, "notify"), report);
  checkDiscovery(at(document, "discovery"), Object.keys((at(document, "credentials") as Mapping | undefined) ?? {}), report);
}

function checkUplink(uplink: unknown, report: Report): void {
  const url = textOf(at(uplink, "url"));
  if (url === undefined) return;
  const tls = at(uplink, "tls");
  const isEnrolled = at(uplink, "enrolled") === true;
  if (url.startsWith("mqtts://") && at(tls, "ca") === undefined && !isEnrolled) {
    report(
      "/uplink",
      "an mqtts:// uplink needs tls.ca: the authority that signed the broker's certificate; or enrolled: true after gatehouse enrol",
    );
  }
  if (isEnrolled && !url.startsWith("mqtts://")) report("/uplink/enrolled", "needs an mqtts:// url: nothing is enrolled for clear text");
  if (isEnrolled && at(tls, "cert") !== undefined)
    report("/uplink/tls/cert", "comes from the enrolment; leave it out or set enrolled: false");
  if (url.startsWith("mqtt://")) {
    if (tls !== undefined) report("/uplink/tls", "has no effect with mqtt://; write mqtts:// in url");
    if (!isLoopback(url)) report("/uplink/url", "measurements and passwords travel in clear text; use mqtts://", "warning");
  }
  if ((at(tls, "cert") === undefined) !== (at(tls, "key") === undefined)) report("/uplink/tls", "cert and key are only useful together");
}

function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname.replaceAll(/^\[|\]$/g, "") ?? "";
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function checkListeners(document: unknown, report: Report): void {
  const traps = at(document, "traps");
  const syslog = at(document, "syslog");
  if (at(traps, "enabled") === false || at(syslog, "enabled") === false) return;
  if (at(traps, "port") !== undefined && at(traps, "port") === at(syslog, "port")) {
    report("/syslog/port", "is the port of traps as well; two receivers cannot share it");
  }
}

function checkSnmp(snmp: unknown, pointer: string, report: Report): void {
  const version = at(snmp, "version");
  if (version === undefined) return;
  const wants3 = String(version) === "3";
  for (const key of wants3 ? ["community"] : ["user", "context", "auth", "priv"]) {
    if (at(snmp, key) !== undefined) report(`${pointer}/${key}`, `has no meaning in SNMP version ${String(version)}`);
  }
  if (!wants3) {
    if (at(snmp, "community") === undefined) report(pointer, `SNMP version ${String(version)} needs a community`);
    return;
  }
  if (at(snmp, "user") === undefined) report(pointer, "SNMP version 3 needs a user");
  if (at(snmp, "priv") !== undefined && at(snmp, "auth") === undefined)
    report(`${pointer}/priv`, "encryption needs authentication: add auth");
  if (at(snmp, "auth") === undefined) report(pointer, "without auth anybody can answer in the name of this user", "warning");
  for (const part of ["auth", "priv"]) {
    for (const [protocol, key] of entriesOf(at(snmp, part))) {
      if (key instanceof Secret && key.reveal() !== "" && key.reveal().length < minPassPhraseLength) {
        report(`${pointer}/${part}/${protocol}`, `a pass phrase of SNMP version 3 has at least ${minPassPhraseLength} characters`);
      }
    }
  }
}

function checkEquipment(document: unknown, drivers: ReadonlyMap<string, SettingsCheck>, report: Report): void {
  const credentials = Object.keys((at(document, "credentials") as Mapping | undefined) ?? {});
  const equipment = itemsOf(at(document, "equipment"));
  const places = new Map<string, number>();
  for (const [index, entry] of equipment) {
    const id = textOf(entry.id);
    if (id === undefined) continue;
    const first = places.get(id);
    if (first === undefined) places.set(id, index);
    else report(`/equipment/${index}/id`, `${quoted(id)} is the id of /equipment/${first} already`);
  }
  for (const [index, entry] of equipment) {
    const pointer = `/equipment/${index}`;
    const credential = textOf(entry.credential);
    if (credential !== undefined && !credentials.includes(credential)) {
      report(`${pointer}/credential`, unknownName("credential", credential, credentials));
    }
    const driver = textOf(entry.driver);
    const check = driver === undefined ? undefined : drivers.get(driver);
    if (driver !== undefined && check === undefined) report(`${pointer}/driver`, unknownName("driver", driver, [...drivers.keys()]));
    check?.(entry.settings, `${pointer}/settings`);
  }
  checkParents(equipment, places, report);
}

function checkParents(equipment: readonly (readonly [number, Mapping])[], places: ReadonlyMap<string, number>, report: Report): void {
  const parents = new Map<string, string>();
  for (const [index, entry] of equipment) {
    const parent = textOf(entry.parent);
    const id = textOf(entry.id);
    if (parent === undefined) continue;
    if (!places.has(parent)) report(`/equipment/${index}/parent`, unknownName("equipment", parent, [...places.keys()]));
    else if (id !== undefined) parents.set(id, parent);
  }
  for (const [index, entry] of equipment) {
    const id = textOf(entry.id);
    let above = id === undefined ? undefined : parents.get(id);
    // As many steps as there are parents: a longer way up is a circle that does not pass here.
    for (let step = 0; step < parents.size && above !== undefined && above !== id; step++) above = parents.get(above);
    if (above !== undefined && above === id) report(`/equipment/${index}/parent`, `${quoted(above)} hangs behind itself`);
  }
}

function unknownName(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const list = known.length === 0 ? "there is none" : `known: ${known.slice(0, 16).join(", ")}${known.length > 16 ? ", ..." : ""}`;
  return `unknown ${what} ${quoted(name)}; ${meant === undefined ? list : `did you mean ${quoted(meant)}?`}`;
}
