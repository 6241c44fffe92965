/** A process of our own: the flow host, a role of the demo. */
export interface ChildProcess {
  readonly pid: number | undefined;
  /** Settles when it is gone. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

export interface ChildSpawner {
  /** Starts this same program with another role. */
  spawnRole(
    role: string,
    args: readonly string[],
    options: { readonly environment: Readonly<Record<string, string>>; readonly onLine?: (line: string) => void },
  ): ChildProcess;
}
