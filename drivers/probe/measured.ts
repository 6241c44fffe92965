/** Round trips of one run in the order of sending; undefined = no answer. Milliseconds. */
export type RoundTrips = readonly (number | undefined)[];

export interface RoundTripSummary {
  readonly received: number;
  readonly lossPercent: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Mean of the differences between neighbours that both came back; NaN where there are none. */
  readonly jitterMs: number;
}

export function summarise(trips: RoundTrips): RoundTripSummary {
  const answered = trips.filter((trip) => trip !== undefined);
  const differences: number[] = [];
  for (const [index, trip] of trips.entries()) {
    const before = index === 0 ? undefined : trips[index - 1];
    if (trip !== undefined && before !== undefined) differences.push(Math.abs(trip - before));
  }
  return {
    received: answered.length,
    lossPercent: trips.length === 0 ? 0 : ((trips.length - answered.length) / trips.length) * 100,
    meanMs: mean(answered),
    minMs: answered.length === 0 ? Number.NaN : Math.min(...answered),
    maxMs: answered.length === 0 ? Number.NaN : Math.max(...answered),
    jitterMs: mean(differences),
  };
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}
