import type { RowLabels } from "../conversions/convert.ts";
import type { LabelDefinition } from "../metric-sets/metric-set.ts";
import { addressesIn, textOfAddresses } from "./address-list.ts";
import type { LearntRow } from "./row-keys.ts";
import { Shared } from "./shared.ts";

/**
 * Labels that are not reported, of all rows of a table: a text a label, with a line a row. Ports of like switches differ in their addresses only, so
 * that one text of some hundred characters is all that a switch has of its own; a row each would be ten times as much.
 */
export interface HiddenLabels {
  readonly names: readonly string[];
  readonly texts: readonly string[];
}

export const noHiddenLabels: HiddenLabels = Object.freeze({ names: Object.freeze([]), texts: Object.freeze([]) });

/** Texts of speeds and sizes, which are equal for equipment of a kind; losing one only loses the sharing. */
const textsShared = new Shared<string>(512);
const longestShared = 4_096;
const namesShared = new Shared<readonly string[]>(512);

/** @param rows all labels of each row, as they were learnt */
export function packHidden(definitions: readonly LabelDefinition[] | undefined, rows: readonly RowLabels[]): HiddenLabels {
  const hidden = (definitions ?? []).filter((label) => label.hidden);
  if (hidden.length === 0 || rows.length === 0) return noHiddenLabels;
  const names = hidden.map(({ name }) => name);
  return {
    names: namesShared.get(names.join(), () => Object.freeze(names)),
    texts: hidden.map(({ name, format }) => {
      const values = rows.map((labels) => (labels[name] ?? "").replaceAll("\n", " "));
      return format === "mac" ? textOfAddresses(values) : sharedText(values.join("\n"));
    }),
  };
}

function sharedText(text: string): string {
  return text.length <= longestShared ? textsShared.get(text, () => text) : text;
}

/** Looks all labels of rows up, the hidden ones included; made when needed, which is rarely, and not kept. */
export class LabelReader {
  readonly #names: readonly string[];
  readonly #columns: readonly (readonly string[])[];
  readonly #positions: ReadonlyMap<LearntRow, number>;

  /** @param rows the rows that `hidden` belongs to */
  constructor(rows: readonly LearntRow[], { names, texts }: HiddenLabels) {
    this.#names = names;
    this.#columns = texts.map((text) => addressesIn(text) ?? text.split("\n"));
    this.#positions = new Map(names.length === 0 ? [] : rows.map((row, position) => [row, position]));
  }

  /** All labels of one of the rows, as they were learnt; of another row those that are reported. */
  of(row: LearntRow): RowLabels {
    const position = this.#positions.get(row);
    if (position === undefined) return row.labels;
    const all: Record<string, string> = { ...row.labels };
    for (const [at, name] of this.#names.entries()) all[name] = this.#columns[at]?.[position] ?? "";
    return all;
  }

  /** The hidden labels of some of the rows. */
  hiddenOf(rows: readonly LearntRow[]): HiddenLabels {
    if (this.#names.length === 0 || rows.length === 0) return noHiddenLabels;
    const at = rows.map((row) => this.#positions.get(row) ?? -1);
    return { names: this.#names, texts: this.#columns.map((column) => textOfAddresses(at.map((position) => column[position] ?? ""))) };
  }
}
