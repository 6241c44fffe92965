/** The `flows` section of the configuration, as the flow wing takes it. */
export interface FlowSettings {
  /** Old space of the child's heap, MiB. Function nodes live there. */
  readonly heapMiB: number;
  /** Resident memory beyond which the child is killed, MiB: Buffers are outside of the heap. */
  readonly memoryMiB: number;
  /** User to run under, when this process may change users. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Technicians may draw flows of their own. */
  readonly localEditing: boolean;
  /** Function nodes technicians may use, over all of their tabs. */
  readonly localFunctionNodes: number;
  /** Technicians' flows may set values on equipment. */
  readonly localSnmpSet: boolean;
  readonly editorIdleMs: number;
  /** Tests shorten them; everybody else takes the standard. */
  readonly thresholds?: Partial<Thresholds>;
}

/** One table of thresholds for the flow host (DECISIONS: flow host). */
export interface Thresholds {
  readonly pingEveryMs: number;
  /** Without a pong: SIGTERM, whose default action ends even a stuck event loop. */
  readonly hangMs: number;
  /** After SIGTERM: SIGKILL. */
  readonly killMs: number;
  /** From the spawn to running flows, on the slowest hardware. */
  readonly startMs: number;
  readonly memoryLookMs: number;
  /** So many seconds of drops in a row are a storm. */
  readonly stormS: number;
  /** Failures nobody can be blamed for ... */
  readonly maxUnattributed: number;
  /** ... within this time: last good set; once more: safe mode. */
  readonly withinMs: number;
}

export const standardThresholds: Thresholds = {
  pingEveryMs: 1_000,
  hangMs: 10_000,
  killMs: 5_000,
  startMs: 60_000,
  memoryLookMs: 250,
  stormS: 30,
  maxUnattributed: 3,
  withinMs: 600_000,
};
