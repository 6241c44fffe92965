/**
 * Small durable state that a lost buffer never takes along (`state.db`): identity, anti-replay, configuration generations, the wall
 * clock's floor, the connection counter. Every write is one durable transaction.
 */
export interface State {
  get(key: string): Uint8Array | undefined;
  getText(key: string): string | undefined;
  /** All or nothing. `undefined` deletes. Keys `[a-z][a-z0-9./_-]{0,127}`, values <= 1 MiB. */
  put(entries: Readonly<Record<string, Uint8Array | string | undefined>>): void;
  /** Keys with this prefix, ascending, at most `limit`. */
  keys(prefix: string, limit: number): readonly string[];
  close(): void;
}
