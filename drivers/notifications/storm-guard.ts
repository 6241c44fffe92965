/** How much of what arrives is looked at. Rates are datagrams per second; each bucket holds `burst` of them. */
export interface StormLimits {
  readonly perSource: { readonly perSecond: number; readonly burst: number };
  /** All sources that no equipment is known for, together. */
  readonly unknown: { readonly perSecond: number; readonly burst: number };
  /** All sources together: spoofed addresses must not multiply the limit. */
  readonly total: { readonly perSecond: number; readonly burst: number };
  /** Sources remembered at a time; further ones share one bucket. */
  readonly maxSources: number;
}

export const defaultStormLimits: StormLimits = {
  perSource: { perSecond: 10, burst: 60 },
  unknown: { perSecond: 5, burst: 40 },
  total: { perSecond: 200, burst: 600 },
  maxSources: 4_096,
};

/** What was held back from one source since the last report of it. */
export interface Suppression {
  /** `*` = several sources together. */
  readonly source: string;
  readonly count: number;
  /** Monotonic milliseconds. */
  readonly fromMs: number;
  readonly toMs: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

interface Source extends Bucket {
  suppressed: number;
  fromMs: number;
  toMs: number;
  reportedAtMs: number;
}

/** A storm that goes on is reported at its end, or this often. */
const reportEveryMs = 60_000;
/** Quiet for this long = the storm has ended. */
const quietMs = 5_000;
/** More suppressed sources than this in one report are summed up under `*`. */
const maxReportedSources = 16;

/** Token buckets per source, for the unknown ones, and for all. Costs two map look-ups per datagram, before anything is decoded. */
export class StormGuard {
  readonly #limits: StormLimits;
  readonly #sources = new Map<string, Source>();
  readonly #others: Source;
  readonly #unknown: Bucket;
  readonly #total: Bucket;
  #suppressed = 0;

  constructor(limits: StormLimits = defaultStormLimits) {
    this.#limits = limits;
    this.#others = freshSource(limits, 0);
    this.#unknown = { tokens: limits.unknown.burst, filledAtMs: 0 };
    this.#total = { tokens: limits.total.burst, filledAtMs: 0 };
  }

  /** Held back since the start. */
  get suppressed(): number {
    return this.#suppressed;
  }

  /** Sources remembered now. */
  get sources(): number {
    return this.#sources.size;
  }

  /** @param nowMs monotonic */
  admits(source: string, isKnown: boolean, nowMs: number): boolean {
    const own = this.#sourceOf(source, nowMs);
    const { perSource, unknown, total } = this.#limits;
    if (take(own, perSource, nowMs) && (isKnown || take(this.#unknown, unknown, nowMs)) && take(this.#total, total, nowMs)) return true;
    if (own.suppressed === 0) own.fromMs = nowMs;
    own.suppressed += 1;
    own.toMs = nowMs;
    this.#suppressed += 1;
    return false;
  }

  /** What is to be reported now; at most 17 entries. Forgets sources that are idle and full again. @param nowMs monotonic */
  due(nowMs: number): readonly Suppression[] {
    const due: Suppression[] = [];
    for (const [name, source] of [...this.#sources, ["*", this.#others] as const]) {
      const over = nowMs - source.toMs >= quietMs;
      if (source.suppressed > 0 && (over || nowMs - Math.max(source.reportedAtMs, source.fromMs) >= reportEveryMs)) {
        due.push({ source: name, count: source.suppressed, fromMs: source.fromMs, toMs: source.toMs });
        source.suppressed = 0;
        source.reportedAtMs = nowMs;
      }
      if (name !== "*" && source.suppressed === 0 && nowMs - source.filledAtMs > reportEveryMs) this.#sources.delete(name);
    }
    return sumUp(due);
  }

  #sourceOf(name: string, nowMs: number): Source {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    if (this.#sources.size >= this.#limits.maxSources) return this.#others;
    const source = freshSource(this.#limits, nowMs);
    this.#sources.set(name, source);
    return source;
  }
}

function freshSource(limits: StormLimits, nowMs: number): Source {
  return { tokens: limits.perSource.burst, filledAtMs: nowMs, suppressed: 0, fromMs: 0, toMs: 0, reportedAtMs: Number.NEGATIVE_INFINITY };
}

function take(bucket: Bucket, limit: { readonly perSecond: number; readonly burst: number }, nowMs: number): boolean {
  const elapsedS = Math.max(0, nowMs - bucket.filledAtMs) / 1_000;
  bucket.tokens = Math.min(limit.burst, bucket.tokens + elapsedS * limit.perSecond);
  bucket.filledAtMs = nowMs;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

function sumUp(due: readonly Suppression[]): readonly Suppression[] {
  if (due.length <= maxReportedSources) return due;
  const biggest = [...due].sort((a, b) => b.count - a.count);
  const rest = biggest.slice(maxReportedSources);
  return [
    ...biggest.slice(0, maxReportedSources),
    {
      source: "*",
      count: rest.reduce((sum, { count }) => sum + count, 0),
      fromMs: Math.min(...rest.map(({ fromMs }) => fromMs)),
      toMs: Math.max(...rest.map(({ toMs }) => toMs)),
    },
  ];
}
