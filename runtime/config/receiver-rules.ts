import { isIP } from "node:net";
import type { Report } from "./load-document.ts";
import { quoted } from "./source.ts";
import { at, type Mapping } from "./untyped.ts";

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
