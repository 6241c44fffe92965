/**
 * What a guest threw, rejected or showed, in words: never throws itself. Anything can be thrown, also `{ toString: 1 }` or an error whose `stack`
 * is no text; a handler that fails at it would end the process without naming who did it.
 */
export function wordsOf(thrown: unknown): string {
  try {
    const text: unknown = thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown;
    return typeof text === "string" ? text : String(text);
  } catch {
    // A border: the value is the guest's, and so is whatever it throws when it is looked at.
    return "something that cannot be shown";
  }
}
