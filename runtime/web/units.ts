import { stateName } from "./enumerations.ts";

/** How a UCUM unit is shown: the factor its values are multiplied with, the text behind them, and how large ones are shortened. */
interface Display {
  readonly factor: number;
  readonly unit: string;
  readonly prefix: "decimal" | "binary" | "none";
  readonly digits: number;
}

const decimal = (unit: string, factor = 1): Display => ({ factor, unit, prefix: "decimal", digits: 3 });
const plain = (unit: string, digits: number, factor = 1): Display => ({ factor, unit, prefix: "none", digits });

const displays: Readonly<Record<string, Display>> = {
  "By/s": decimal("bit/s", 8),
  "bit/s": decimal("bit/s"),
  By: { factor: 1, unit: "B", prefix: "binary", digits: 3 },
  KiBy: { factor: 1_024, unit: "B", prefix: "binary", digits: 3 },
  kBy: { factor: 1_000, unit: "B", prefix: "binary", digits: 3 },
  MiBy: { factor: 1_048_576, unit: "B", prefix: "binary", digits: 3 },
  "%": plain("%", 1),
  Cel: plain("°C", 1),
  ms: plain("ms", 1),
  s: plain("s", 1),
  min: plain("min", 1),
  V: plain("V", 1),
  A: plain("A", 2),
  W: decimal("W"),
  "V.A": decimal("VA"),
  "W.h": decimal("Wh"),
  Hz: decimal("Hz"),
  "dB{mW}": plain("dBm", 1),
  dB: plain("dB", 1),
  "dB[mW]": plain("dBm", 1),
  "{packet}/s": decimal("packets/s"),
  "{frame}/s": decimal("frames/s"),
  "{page}": plain("pages", 0),
  "1/s": decimal("/s"),
};

const decimalPrefixes = ["", "k", "M", "G", "T", "P"];
const binaryPrefixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];

/** `{packet}` and the like: annotations are words for people. */
function displayOf(unit: string): Display {
  const known = displays[unit];
  if (known !== undefined) return known;
  const annotated = /^\{([^}]*)\}(\/s)?$/.exec(unit);
  if (annotated !== null) return decimal(`${annotated[1] ?? ""}${annotated[2] ?? ""}`);
  return decimal(unit === "1" ? "" : unit);
}

/** A number with its unit: `12.4 Mbit/s`, `up`, `21.5 °C`, `3 d 4 h`. @param states names of an enumeration's values; the well-known need none */
export function formatValue(value: number, unit: string, states: Readonly<Record<string, string>> = {}): string {
  if (unit.startsWith("enum:") && Object.hasOwn(states, String(value))) return states[String(value)] ?? "";
  if (unit.startsWith("enum:")) return stateName(unit.slice(5), value) ?? String(value);
  if (unit === "{tick}") return formatDuration(value / 100);
  if (unit === "s" && Math.abs(value) >= 120) return formatDuration(value);
  const display = displayOf(unit);
  const { text, prefix } = shorten(value * display.factor, display);
  // A word takes no prefix: 12.3k packets/s, but 12.3 kbit/s.
  if (prefix !== "" && /^\p{L}{4}/u.test(display.unit)) return `${text}${prefix} ${display.unit}`;
  const name = `${prefix}${display.unit}`;
  return name === "" ? text : name === "%" ? `${text} %` : `${text} ${name}`;
}

/** The unit an axis of this UCUM unit is labelled with. */
export function unitLabel(unit: string): string {
  if (unit.startsWith("enum:")) return "state";
  if (unit === "{tick}") return "time";
  return displayOf(unit).unit;
}

/** Seconds as the two largest units. */
export function formatDuration(seconds: number): string {
  const parts: readonly (readonly [number, string])[] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  let rest = Math.round(Math.abs(seconds));
  const words: string[] = [];
  for (const [size, name] of parts) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || words.length > 0) words.push(`${count} ${name}`);
    if (words.length === 2) break;
  }
  const text = words.filter((word, index) => index === 0 || !word.startsWith("0 ")).join(" ");
  return text === "" ? "0 s" : `${seconds < 0 ? "-" : ""}${text}`;
}

function shorten(value: number, display: Display): { readonly text: string; readonly prefix: string } {
  const base = display.prefix === "binary" ? 1_024 : 1_000;
  const prefixes = display.prefix === "binary" ? binaryPrefixes : decimalPrefixes;
  let scaled = value;
  let step = 0;
  // 1500 B says more than 1.46 KiB.
  const first = display.prefix === "binary" ? 10_240 : base;
  while (display.prefix !== "none" && Math.abs(scaled) >= (step === 0 ? first : base) && step < prefixes.length - 1) {
    scaled /= base;
    step += 1;
  }
  return { text: shortNumber(scaled, display), prefix: prefixes[step] ?? "" };
}

function shortNumber(value: number, display: Display): string {
  if (Number.isInteger(value) && Math.abs(value) < 100_000) return String(value);
  if (value !== 0 && Math.abs(value) < 0.01) return String(Number(value.toPrecision(2)));
  if (display.prefix === "none") return trimmed(value.toFixed(display.digits));
  const whole = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return trimmed(value.toFixed(whole));
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

const counts = new Intl.NumberFormat("en-US");

/** A count with thousands separated. */
export function formatCount(value: number): string {
  return counts.format(value);
}

/** Bytes with a binary prefix. */
export function formatBytes(bytes: number): string {
  return formatValue(bytes, "By");
}
