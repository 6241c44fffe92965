/** What the bench asks the gateway under test. `notLive`: equipment up to this number is dead or slow and no measure of lateness. */
export type Question =
  | { readonly ask: "begin"; readonly notLive: number }
  | { readonly ask: "ready"; readonly tables: number }
  | { readonly ask: "endOfCpu" | "end" | "memory" | "stop" };

export interface CpuFigures {
  readonly cpuSeconds: number;
  /** CPU of all threads, 1 = one core. */
  readonly coreShare: number;
  /** That part of it which was not the kernel's. */
  readonly userShare: number;
  /** Per cent of a core by thread. */
  readonly threads: Readonly<Record<string, number>>;
}

/** One measured time of one gateway. */
export interface Figures extends CpuFigures {
  readonly seconds: number;
  readonly delayMsP99: number;
  readonly delayMsP999: number;
  readonly delayMsMax: number;
  /** By the gateway's own fault; the others are the equipment's. */
  readonly missedSlots: number;
  readonly slowSlots: number;
  readonly unreachableSlots: number;
  readonly requestsPerSecond: number;
  readonly reportsPerSecond: number;
  readonly valuesPerSecond: number;
  /** From the planned slot to the agent's first answer, of live equipment. */
  readonly latenessMsP50: number;
  readonly latenessMsP99: number;
  readonly latenessMsMax: number;
  readonly memory: { readonly pssKiB: number; readonly anonymousKiB: number; readonly heapUsedKiB: number; readonly externalKiB: number };
  readonly uplink: string;
  readonly ledger: { readonly polled: number; readonly delivered: number; readonly buffered: number; readonly dropped: number };
  /** Sentences that the gateway logged as warning or error since its start, counted. */
  readonly warnings: Readonly<Record<string, number>>;
}
