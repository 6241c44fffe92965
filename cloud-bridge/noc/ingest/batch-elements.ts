import type { JsonObject } from "../store/rows.ts";

/** Border: reads single fields of what a gateway put into a JSON batch. Everything is optional to the reader and bounded. */
export function textOf(body: JsonObject, key: string, maxLength = 256): string {
  const value = body[key];
  return typeof value === "string" ? value.slice(0, maxLength) : "";
}

export function numberOf(body: JsonObject, key: string): number | undefined {
  const value = body[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** A whole number in [0, 2^53). */
export function countOf(body: JsonObject, key: string): number | undefined {
  const value = numberOf(body, key);
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Unix ms a person could mean: 1970 to 2200. */
export function timeOf(body: JsonObject, key: string): number | undefined {
  const value = numberOf(body, key);
  return value !== undefined && value >= 0 && value < 7_258_118_400_000 ? value : undefined;
}

export function objectOf(body: JsonObject, key: string): JsonObject {
  const value = body[key];
  return isObject(value) ? value : {};
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Objects of an array field; anything else in it is left out. At most `limit`. */
export function elementsOf(body: JsonObject, key: string, limit: number): readonly JsonObject[] {
  const value = body[key];
  return Array.isArray(value) ? value.slice(0, limit).filter(isObject) : [];
}
