/** What the NOC wants this gateway to run. Only a name: what the bytes are is said by the signed release metadata, never by this request. */
export interface UpdateTarget {
  /** Version as in the metadata, `1.4.0`; it is looked up for this gateway's own hardware (`linux-arm64`). */
  readonly version: string;
}

/** When and how fast an update may travel and be put in place. */
export interface UpdatePolicy {
  /** Download at most so many bytes a second, 1,000 and up; absent = as fast as the line is. */
  readonly maxBytesPerSecond?: number;
  /** Times of day (UTC) in which it may download and restart; `from` after `to` passes midnight. Absent or empty = at any time. */
  readonly windows?: readonly { readonly fromMinute: number; readonly toMinute: number }[];
  /** Installed even if it is older than the running one, down to the security floor of the metadata. Default false. */
  readonly allowOlder?: boolean;
}

/** Where an update is. `probation`: the new one runs and is watched; it becomes `confirmed`, or the gateway goes back (`rolled-back`). */
export type UpdatePhase =
  | "idle"
  | "waiting"
  | "downloading"
  | "verifying"
  | "self-test"
  | "switching"
  | "probation"
  | "confirmed"
  | "rolled-back"
  | "refused";

export interface UpdateStatus {
  readonly phase: UpdatePhase;
  /** Version that runs now. */
  readonly version: string;
  /** Hardware id that targets must name: `linux-arm64`, `linux-x64`. */
  readonly hardware: string;
  /** The slot this program was started from; absent when it was not started by the launcher (a checkout, a plain binary). */
  readonly slot?: "a" | "b";
  /** What is under way, or was last. */
  readonly target?: UpdateTarget;
  readonly receivedBytes?: number;
  readonly totalBytes?: number;
  /** `delta` when only the differences travel. */
  readonly transfer?: "full" | "delta";
  /** Why the last one was refused or taken back: an error code and a sentence for people. */
  readonly problem?: { readonly code: string; readonly message: string };
}

/**
 * Brings this gateway to another version of itself, or leaves it as it is. Never both, never neither: whatever is cut at whatever moment, the
 * next start runs the old version or the new one.
 */
export interface Updater {
  current(): UpdateStatus;
  /**
   * Takes note of what is wanted, durably, and works on it in the background; settles as soon as it is noted. What is wanted already or runs
   * already changes nothing. A later request replaces an earlier one that has not switched yet. The gateway ends itself when it switches;
   * what became of it stands in `current()` after the start.
   * @throws GatewayError update.refused when it cannot be: blacklisted after a failure, no slots on this installation
   */
  request(target: UpdateTarget, policy: UpdatePolicy, signal: AbortSignal): Promise<UpdateStatus>;
  /** Forgets what is wanted, unless it has switched already. */
  cancel(): Promise<UpdateStatus>;
}
