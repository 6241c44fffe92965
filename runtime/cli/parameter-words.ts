import { GatewayError } from "#model/errors.ts";
import { jsonOrText } from "./order-arguments.ts";

/** The part of a parameter's schema that says how a word is read. */
interface WordSchema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, WordSchema>>;
}

/**
 * `NAME=VALUE` words as parameters of a service, each read by its schema: `portIndex=1.12` stays a text where the template says so. What does not
 * fit its schema is left as text, and refused with its place by whoever checks the whole. Without a schema every value is text.
 * @throws GatewayError command.refused for a word without a name
 */
export function valuesOf(words: readonly string[], schema: unknown): Readonly<Record<string, unknown>> {
  const { properties = {} } = (typeof schema === "object" && schema !== null ? schema : {}) as WordSchema;
  return Object.fromEntries(
    words.map((word) => {
      const cut = word.indexOf("=");
      if (cut <= 0) throw new GatewayError("command.refused", { message: `parameters are NAME=VALUE, not ${word.slice(0, 40)}` });
      const name = word.slice(0, cut);
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return [name, typedValue(word.slice(cut + 1), property?.type)];
    }),
  );
}

function typedValue(text: string, type: unknown): unknown {
  if (type === undefined || type === "string") return text;
  const value = jsonOrText(text);
  // A list of one needs no brackets.
  if (type === "array" && typeof value !== "object") return [value];
  return type === "array" && !Array.isArray(value) && value !== null ? [value] : value;
}
