/** Fields of a log line: camelCase with units. Never a secret, a payload, or a key chosen by a peer. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * error = a unit crashed or data was lost; warn = a peer misbehaves (on transition); info = life events; debug = per
 * exchange. The sentence is constant, lower case, without a full stop. Rate-limited by the implementation.
 */
export interface Logger {
  error(fields: LogFields, sentence: string): void;
  warn(fields: LogFields, sentence: string): void;
  info(fields: LogFields, sentence: string): void;
  debug(fields: LogFields, sentence: string): void;
  /** A logger that adds `fields` to each line. */
  child(fields: LogFields): Logger;
}
