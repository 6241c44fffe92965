import type { CheckStage } from "#model/check.ts";
import type { Credential } from "#model/equipment.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";

/** Programs that send what Node.js cannot; absolute paths or names. Tests name others. */
export interface ProbePrograms {
  readonly fping: string;
  readonly ping: string;
  readonly traceroute: string;
  readonly tracepath: string;
}

/** What probes are given of the world. */
export interface ProbeWorld {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly programs: ProbePrograms;
  /** @throws GatewayError config.secret */
  credential(name: string): Credential;
}

/** One run on its way. What is noted here survives a failure: evidence, figures and the stage it came to. */
export class ProbeRun {
  /** Aborts when the run's time is over or nobody wants the result any more. */
  readonly signal: AbortSignal;
  readonly world: ProbeWorld;
  /** Monotonic time by which the run has ended. */
  readonly deadlineMs: number;
  readonly source: string | undefined;
  readonly evidence: Record<string, unknown> = {};
  readonly values = new Map<string, number>();
  readonly latenciesMs: number[] = [];
  stage: CheckStage = "resolve";
  /** Whom it went to, once that was known. */
  address: string | undefined;
  /** Source address that was really used. */
  localAddress: string | undefined;
  bytes = 0;
  packets = 0;

  constructor(
    world: ProbeWorld,
    parts: { readonly signal: AbortSignal; readonly deadlineMs: number; readonly source: string | undefined },
  ) {
    this.world = world;
    this.signal = parts.signal;
    this.deadlineMs = parts.deadlineMs;
    this.source = parts.source;
  }

  nowMs(): number {
    return this.world.clock.monotonicMs();
  }

  /** Milliseconds since `sinceMs` to three digits behind the point. */
  since(sinceMs: number): number {
    return rounded(this.nowMs() - sinceMs);
  }

  leftMs(): number {
    return Math.max(0, this.deadlineMs - this.nowMs());
  }

  sent(bytes: number, packets: number): void {
    this.bytes += bytes;
    this.packets += packets;
  }

  /** Waits, unless the run ends before. Rejects with the signal's reason. */
  pause(ms: number): Promise<void> {
    return this.world.clock.sleep(ms, this.signal);
  }
}

export function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/** Waits for `work` or the end of the run, whatever `work` thinks of signals. */
export async function orEnd<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const ended = Promise.withResolvers<never>();
  const onAbort = () => ended.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
