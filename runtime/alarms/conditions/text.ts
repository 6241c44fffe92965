import type { Row } from "#model/report.ts";

export interface TextFacts {
  readonly row: Row;
  readonly value: number;
  readonly state?: string | undefined;
  readonly limit?: number | undefined;
}

const maxPart = 128;

/** Fills `{row}`, `{value}`, `{limit}`, `{state}` and `{label:NAME}` in. What devices say is cleaned and cut. */
export function fillText(template: string, facts: TextFacts): string {
  return template
    .replaceAll(/\{(row|value|limit|state|label:[A-Za-z0-9_.-]{1,64})\}/g, (_all, name: string) => printable(partOf(name, facts)))
    .replaceAll(/ {2,}/g, " ")
    .trim();
}

function partOf(name: string, { row, value, state, limit }: TextFacts): string {
  if (name === "row") return row.labels.ifAlias ? `${row.key} (${row.labels.ifAlias})` : row.key;
  if (name === "value") return shortNumber(value);
  if (name === "limit") return limit === undefined ? "" : shortNumber(limit);
  if (name === "state") return state ?? shortNumber(value);
  return row.labels[name.slice("label:".length)] ?? "";
}

export function shortNumber(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return String(Number(value.toFixed(magnitude < 1 ? 3 : 1)));
}

export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, " ").slice(0, maxPart);
}
