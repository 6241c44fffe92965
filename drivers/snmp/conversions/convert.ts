import type { Conversion } from "../metric-sets/metric-set.ts";

/** Labels of one row by name, hidden ones included; absent = the agent did not say. */
export type RowLabels = Readonly<Record<string, string>>;

/** How the engine is asked for a column's values, given what the agent's values are and what is to become of them. */
export type ValueForm = "number" | "text" | "bytes";

const textConversions = new Set(["number-in-text", "percent-in-text", "size-in-text", "text-state"]);
const byteConversions = new Set(["bit", "flag-character", "octets"]);

export function valueForm(conversion: Conversion | undefined, isOctetString: boolean): ValueForm {
  if (conversion !== undefined && byteConversions.has(conversion.is)) return "bytes";
  if (conversion?.is === "own" && isOctetString) return "bytes";
  if (conversion !== undefined && textConversions.has(conversion.is) && isOctetString) return "text";
  return "number";
}

/**
 * What a row's labels contribute to the conversion, worked out once per set of rows: a multiplier, or a divisor as a negative
 * number; NaN = the row has no value.
 */
export function rowFactor(conversion: Conversion | undefined, labels: RowLabels): number {
  if (conversion?.is === "storage-units") {
    const units = integerLabel(labels[conversion.units]);
    return units > 0 ? units : Number.NaN;
  }
  if (conversion?.is === "entity-sensor") return sensorFactor(labels[conversion.scale], labels[conversion.precision]);
  if (conversion?.is === "percent-of") {
    const whole = integerLabel(labels[conversion.label]);
    if (whole > 0) return whole;
    // -2 is "unknown" in Printer-MIB; such supplies report per cent, which is checked by the range.
    return whole === -2 ? 100 : Number.NaN;
  }
  return 1;
}

/** RFC 3433: scale 9 = units, each step a factor of 1000; precision 1..9 = decimals, -8..-1 = digits left of the point. */
function sensorFactor(scaleLabel: string | undefined, precisionLabel: string | undefined): number {
  const scale = integerLabel(scaleLabel);
  const precision = integerLabel(precisionLabel);
  if (!(scale >= 1 && scale <= 17) || !(precision >= -8 && precision <= 9)) return Number.NaN;
  const exponent = 3 * (scale - 9) - Math.max(precision, 0);
  return exponent >= 0 ? 10 ** exponent : -(10 ** -exponent);
}

function integerLabel(label: string | undefined): number {
  return label === undefined || !/^-?\d{1,15}$/.test(label) ? Number.NaN : Number(label);
}

/** @returns NaN = no value */
export function convertNumber(conversion: Conversion | undefined, value: number, factor: number): number {
  switch (conversion?.is) {
    case undefined:
    case "number-in-text":
    case "percent-in-text":
    case "size-in-text":
      return value;
    case "own":
      return conversion.number(value);
    case "divide":
      return value / conversion.by;
    case "multiply":
      return value * conversion.by;
    case "storage-units":
      return (value < 0 ? value + 2 ** 32 : value) * factor;
    case "entity-sensor":
      return factor < 0 ? value / -factor : value * factor;
    case "percent-of":
      return value < 0 ? Number.NaN : Math.round((value / factor) * 1000) / 10;
    case "special-level":
      return value >= 0 ? 0 : value >= -3 ? value : Number.NaN;
    default:
      return Number.NaN;
  }
}

const numberPattern = /-?\d{1,15}(?:\.\d{1,9})?/;
const percentPattern = /(\d{1,3}(?:\.\d{1,9})?)\s*%/;
const sizePattern = /(\d{1,15}(?:\.\d{1,9})?)\s*([KMGTP]?)i?(?:B|Bytes)\b/i;
const sizeExponent: Readonly<Record<string, number>> = { "": 0, K: 1, M: 2, G: 3, T: 4, P: 5 };
/** Longer texts are no numbers with a unit. */
const maxTextLength = 256;

/** @returns NaN = no value */
export function convertText(conversion: Conversion | undefined, text: string): number {
  if (text.length > maxTextLength) return Number.NaN;
  switch (conversion?.is) {
    case "number-in-text":
      return Number(numberPattern.exec(text)?.[0] ?? Number.NaN);
    case "percent-in-text":
      return Number(percentPattern.exec(text)?.[1] ?? Number.NaN);
    case "size-in-text": {
      const match = sizePattern.exec(text);
      const exponent = sizeExponent[(match?.[2] ?? "").toUpperCase()] ?? 0;
      return match === null ? Number.NaN : Math.round(Number(match[1]) * 1024 ** exponent);
    }
    case "text-state":
      return stateOf(conversion.values, text.trim().toLowerCase());
    default:
      return Number.NaN;
  }
}

/** The text is the device's: it may be called like what every object has. */
function stateOf(values: Readonly<Record<string, number>>, text: string): number {
  return Object.hasOwn(values, text) ? (values[text] ?? Number.NaN) : Number.NaN;
}

/** @returns NaN = no value */
export function convertBytes(conversion: Conversion | undefined, bytes: Uint8Array): number {
  if (conversion?.is === "own") return conversion.bytes(bytes);
  if (bytes.length === 0) return Number.NaN;
  if (conversion?.is === "bit") {
    const byte = bytes[conversion.position >> 3] ?? 0;
    return (byte >> (7 - (conversion.position & 7))) & 1;
  }
  if (conversion?.is === "flag-character") {
    const digit = bytes[conversion.position - 1];
    return digit === 0x30 ? 0 : digit === 0x31 ? 1 : Number.NaN;
  }
  return Number.NaN;
}
