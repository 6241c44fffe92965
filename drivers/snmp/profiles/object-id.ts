import { isOid } from "./map-reader.ts";
import type { ObjectIdPattern } from "./profile.ts";

/** `1.3.6.1.4.1.9.1.5`, `1.3.6.1.4.1.9.*`; leading dots are common, `9.43.45*` occurs. */
export function parseObjectId(text: string): ObjectIdPattern | undefined {
  const isPrefix = /\.?\*$/.test(text);
  const oid = text
    .trim()
    .replace(/\.?\*$/, "")
    .replace(/^\.+/, "")
    .replace(/\.+$/, "");
  return isOid(oid) ? { oid, isPrefix } : undefined;
}

/** How much of the sysObjectID the pattern fixes, in arcs; an exact one counts more than any prefix. undefined = no match. */
export function matchObjectId(pattern: ObjectIdPattern, sysObjectId: string): number | undefined {
  if (pattern.oid === sysObjectId) return pattern.isPrefix ? pattern.oid.split(".").length : Number.POSITIVE_INFINITY;
  return pattern.isPrefix && sysObjectId.startsWith(`${pattern.oid}.`) ? pattern.oid.split(".").length : undefined;
}
