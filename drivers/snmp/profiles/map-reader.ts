import { profileLimits } from "./limits.ts";
import { Pattern } from "./pattern.ts";
import type { FileProblems } from "./problem.ts";
import type { YamlMap, YamlTree } from "./yaml-tree.ts";

/** Reads the keys of one mapping and says what is wrong with them, by file, line and key. */
export class MapReader {
  readonly line: number;
  readonly path: string;
  readonly problems: FileProblems;
  readonly #values = new Map<string, YamlTree>();

  /** Keys that are not in `known` are named once per file; of a key that stands twice the first counts, which is said. */
  constructor(map: YamlMap, path: string, problems: FileProblems, known: ReadonlySet<string>) {
    this.line = map.line;
    this.path = path;
    this.problems = problems;
    for (const { key, value, line } of map.entries) {
      if (!known.has(key)) problems.unknownKey(line, this.pathOf(key), key);
      else if (!this.#values.has(key)) this.#values.set(key, value);
      else problems.add("row", line, this.pathOf(key), "stands here twice; the first counts");
    }
  }

  pathOf(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** undefined also where the value is null. */
  value(key: string): YamlTree | undefined {
    const value = this.#values.get(key);
    return value === undefined || (value.is === "scalar" && value.isNull) ? undefined : value;
  }

  refuse(key: string, problem: string, costs: "row" | "note" = "row"): undefined {
    this.problems.add(costs, this.#values.get(key)?.line ?? this.line, key === "" ? this.path : this.pathOf(key), problem);
    return undefined;
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (value.is !== "scalar") return this.refuse(key, "is not a text", "note");
    return value.text === "" ? undefined : value.text.slice(0, profileLimits.patternLength * 2);
  }

  name(key: string): string | undefined {
    return this.text(key)?.slice(0, profileLimits.nameLength);
  }

  number(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    return Number.isFinite(value) ? value : this.refuse(key, "is not a number", "note");
  }

  boolean(key: string): boolean {
    return /^(true|yes|on|1)$/i.test(this.text(key) ?? "");
  }

  /** A text, or a list of texts. */
  texts(key: string): readonly { readonly text: string; readonly line: number }[] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (value.is === "scalar") return [{ text: value.text, line: value.line }];
    if (value.is === "map") {
      this.refuse(key, "is not a list", "note");
      return [];
    }
    return value.items.flatMap((item) => (item.is === "scalar" && !item.isNull ? [{ text: item.text, line: item.line }] : []));
  }

  map(key: string): YamlMap | undefined {
    const value = this.value(key);
    return value === undefined || value.is === "map" ? value : this.refuse(key, "is not a mapping");
  }

  /** The mappings of a list, with their paths; rows that are no mapping are refused, empty ones left out. */
  maps(key: string): readonly { readonly map: YamlMap; readonly path: string }[] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (value.is !== "list") {
      this.refuse(key, "is not a list");
      return [];
    }
    return value.items.flatMap((item, position) => {
      const path = `${this.pathOf(key)}[${position}]`;
      if (item.is === "map") return [{ map: item, path }];
      this.problems.add("row", item.line, path, "is not a mapping");
      return [];
    });
  }

  /** An OID without leading dots. A malformed one costs its row. */
  oid(key: string): string | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const oid = text.replace(/^\.+/, "").replace(/\.+$/, "");
    return isOid(oid) ? oid : this.refuse(key, "is not an OID");
  }

  pattern(key: string): Pattern | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const pattern = Pattern.compile(text);
    return typeof pattern === "string" ? this.refuse(key, pattern, "note") : pattern;
  }
}

const oidPattern = /^[0-2](\.\d{1,10}){1,127}$/;

export function isOid(text: string): boolean {
  return oidPattern.test(text) && text.split(".").every((arc) => Number(arc) < 2 ** 32);
}
