/**
 * Something with a life. `run` acquires in its own body and releases in its own `finally`; it settles only after the
 * signal aborts. Settling or throwing before that is a crash, and the supervisor applies the unit's restart policy.
 */
export interface Unit {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}
