const colours: Readonly<Record<string, string>> = { error: "\u001b[31m", warn: "\u001b[33m", info: "\u001b[32m", debug: "\u001b[2m" };
const plain = "\u001b[0m";

/** One JSON log line as text for people: `12:00:01.250 warn  equipment does not answer  equipment=sw-1 code=driver.timeout`. */
export function asText(line: string, colour: boolean): string {
  const { level, time, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const name = String(level);
  const label = colour ? `${colours[name] ?? ""}${name.padEnd(5)}${plain}` : name.padEnd(5);
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${bare(value)}`);
  return `${String(time).slice(11, 23)} ${label} ${String(message)}${rest.length === 0 ? "" : `  ${rest.join(" ")}`}\n`;
}

/** Texts with spaces or control characters are quoted, so that no field can look like another line. */
function bare(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return /^[\w.:/@+,-]+$/.test(value) ? value : JSON.stringify(value).replaceAll(/[\p{Cc}\p{Cf}]/gu, "?");
}
