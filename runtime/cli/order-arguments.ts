import { GatewayError } from "#model/errors.ts";

/** `NAME=VALUE` words, or one JSON object, as arguments of an order. @throws GatewayError command.refused */
export function argumentsOf(words: readonly string[]): Readonly<Record<string, unknown>> {
  const [first, ...rest] = words;
  if (first?.startsWith("{") === true && rest.length === 0) {
    const value = jsonOrText(first);
    if (typeof value === "object" && value !== null) return { ...value };
    throw new GatewayError("command.refused", { message: "the arguments are not a JSON object" });
  }
  return Object.fromEntries(
    words.map((word) => {
      const cut = word.indexOf("=");
      if (cut <= 0) throw new GatewayError("command.refused", { message: `arguments are NAME=VALUE, not ${word.slice(0, 40)}` });
      return [word.slice(0, cut), jsonOrText(word.slice(cut + 1))];
    }),
  );
}

/** JSON where it is JSON, else the text itself. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return text;
  }
}
