import type { Varbind } from "#ports/snmp.ts";
import { clean, hex, octetsAsText } from "../conversions/label-text.ts";
import type { LabelDefinition } from "../metric-sets/metric-set.ts";
import type { IndexSlice, Tag } from "./profile.ts";
import { convertToText } from "./value-conversion.ts";

/** A tag of a profile as a label of the driver: read with the rows, at the pace of names, never with the values. */
export function labelOf(tag: Tag): LabelDefinition {
  const { name, from } = tag;
  if (from.is === "index") {
    const { arc } = from;
    return { name, oid: "", format: "index-name", fromIndex: (index) => named(tag, index.split(".")[arc - 1] ?? "") };
  }
  const { oid, slices } = from;
  return {
    name,
    oid,
    format: "auto",
    read: (value) => tagText(tag, value),
    ...(slices !== undefined && { indexThere: (index: string) => sliced(index, slices) }),
  };
}

/** A tag that is the same for all rows. */
export function fixedLabel(name: string, text: string): LabelDefinition {
  return { name, oid: "", format: "index-name", fromIndex: () => text };
}

/** The value of a tag as text; "" = nothing usable. */
export function tagText(tag: Omit<Tag, "name" | "from" | "rowFilter">, value: Varbind["value"]): string {
  const text = rawText(tag, value);
  const extracted = tag.extract === undefined ? text : (tag.extract.extract(text) ?? "");
  const matched = tag.match === undefined ? extracted : (tag.match.pattern.expand(extracted, tag.match.value) ?? "");
  return clean(named(tag, matched));
}

function rawText({ conversion }: Pick<Tag, "conversion">, value: Varbind["value"]): string {
  if (value === undefined) return "";
  if (!(value instanceof Uint8Array)) return String(value);
  if (conversion !== undefined) return convertToText(conversion, value);
  return octetsAsText(value, (bytes) => (bytes.length === 6 ? hex(bytes).replace(/..(?!$)/g, "$&:") : hex(bytes)));
}

function named({ names }: Pick<Tag, "names">, text: string): string {
  return names?.get(text) ?? text;
}

/** Arcs of the row's index put together: the index in the other table. */
function sliced(index: string, slices: readonly IndexSlice[]): string {
  const arcs = index.split(".");
  return slices.flatMap(({ start, end }) => arcs.slice(start, end + 1)).join(".");
}

/** Whether a value answers as text rather than as a number. */
export function isColumnText({ type }: Pick<Varbind, "type">): boolean {
  return type === "octet-string" || type === "oid" || type === "ip-address";
}
