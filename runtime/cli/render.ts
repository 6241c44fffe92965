const maxRows = 200;
const maxCellWidth = 48;
/** The last column, where sentences stand, pushes nothing aside. */
const maxLastWidth = 400;

/** A JSON value for people: mappings as aligned lines, lists of mappings as tables. */
export function renderTree(value: unknown, indent = ""): string {
  if (Array.isArray(value)) return renderList(value, indent);
  if (typeof value !== "object" || value === null) return `${indent}${scalar(value)}\n`;
  const entries = Object.entries(value);
  const width = Math.max(0, ...entries.filter(([, entry]) => !isBranch(entry)).map(([key]) => key.length));
  return entries
    .map(([key, entry]) =>
      isBranch(entry)
        ? `${indent}${key}\n${renderTree(entry, `${indent}  `)}`
        : `${indent}${key.padEnd(width)}  ${scalar(dated(key, entry))}\n`,
    )
    .join("");
}

function renderList(values: readonly unknown[], indent: string): string {
  if (values.length === 0) return `${indent}none\n`;
  const shown = values.slice(0, maxRows);
  const rest = values.length > maxRows ? `${indent}and ${values.length - maxRows} more (--json shows all)\n` : "";
  if (!shown.every(isFlat)) return shown.map((entry) => renderItem(entry, indent)).join("") + rest;
  return renderTable(shown, indent) + rest;
}

/** `- ` before its first line, the others below it. */
function renderItem(value: unknown, indent: string): string {
  const text = renderTree(value, `${indent}  `);
  return `${indent}- ${text.slice(indent.length + 2)}`;
}

/** Rows with the union of their keys as columns; numbers to the right. */
export function renderTable(rows: readonly Readonly<Record<string, unknown>>[], indent = ""): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const widest = (index: number) => (index === columns.length - 1 ? maxLastWidth : maxCellWidth);
  const cells = rows.map((row) => columns.map((column, index) => scalar(dated(column, row[column])).slice(0, widest(index))));
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)));
  const numeric = columns.map((column) => rows.every((row) => row[column] === undefined || typeof row[column] === "number"));
  const line = (row: readonly string[]) =>
    `${indent}${row.map((text, index) => (numeric[index] === true ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0))).join("  ")}`.trimEnd();
  return `${[line(columns), ...cells.map(line)].join("\n")}\n`;
}

function isBranch(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isFlat(value: unknown): value is Readonly<Record<string, unknown>> {
  return isBranch(value) && !Array.isArray(value) && Object.values(value).every((entry) => !isBranch(entry));
}

/** Milliseconds since 1970 say nothing to a person; --json keeps them. */
function dated(key: string, value: unknown): unknown {
  const isTime = typeof value === "number" && key.endsWith("Ms") && value > 1e12 && value < 8.64e15;
  return isTime ? new Date(value).toISOString() : value;
}

function scalar(value: unknown): string {
  if (value === undefined || value === null) return "-";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  return printable(String(value));
}

/** What equipment says of itself must not drive the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, " ");
}
