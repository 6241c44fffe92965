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

/** Both directions of an inherited pipe: bytes, in order. */
export interface BytePipe {
  /** Hands bytes to the kernel or to a buffer of this process; see bufferedBytes. After the end: nothing happens. */
  write(bytes: Uint8Array): void;
  /** Written and not yet taken by the kernel. A peer that is stopped lets it grow: the writer watches it. */
  readonly bufferedBytes: number;
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Once, when the other end is gone. */
  onClose(listener: () => void): void;
  destroy(): void;
}

/** How much of the machine a guest may use. */
export interface GuestLimits {
  /** Node options of the child: heap caps, `--permission` and its grants. Those of this process are not inherited. */
  readonly nodeOptions: readonly string[];
  /** Only a privileged process can change them; others run the guest under their own. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly maxOpenFiles: number;
  /** 0 to 19. */
  readonly niceness: number;
  /** Resident memory beyond which it is killed: by a cgroup where one is delegated; `residentBytes` is there for watching elsewhere. */
  readonly memoryBytes: number;
}

/** A process of ours that runs what is not ours. It has no socket, no controlling terminal, an environment of its own, and dies with its parent. */
export interface GuestProcess extends ChildProcess {
  readonly pipe: BytePipe;
  /** `cgroup`: the kernel holds the memory ceiling; `none`: whoever started it must watch residentBytes. */
  readonly ceiling: "cgroup" | "none";
  /** The user it runs under differs from ours. */
  readonly ownUser: boolean;
  /** undefined once it is gone. */
  residentBytes(): number | undefined;
  /** CPU time it has used, milliseconds: one that is silent without using any is not looping, it is stopped or starved. undefined once it is gone. */
  cpuMs(): number | undefined;
  /** What the guest last wrote to its crumb file (4 KiB of memory it inherits as descriptor 4): survives its death. */
  readCrumb(): Uint8Array;
  /** Releases the crumb file and the cgroup; after exit. */
  release(): void;
}

export interface GuestSpawner {
  spawnGuest(
    role: string,
    args: readonly string[],
    options: {
      readonly environment: Readonly<Record<string, string>>;
      readonly onLine?: (line: string) => void;
      readonly limits: GuestLimits;
    },
  ): GuestProcess;
}
