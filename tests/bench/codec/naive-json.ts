import { type Report, samplesOf } from "#model/report.ts";

/** The naive form everything is compared with (PROTOCOL 1.1, first row of 1.2): an object with full names for each sample. */
export function naiveJson(intervals: readonly (readonly Report[])[]): string {
  const samples = intervals.flatMap((reports) =>
    reports.flatMap((report) =>
      [...samplesOf(report)].map((sample) => ({
        device: sample.equipment,
        metric: sample.metric.name,
        labels: sample.row.labels,
        unit: sample.metric.unit,
        time: new Date(sample.observedAt.wallMs).toISOString(),
        value: typeof sample.value === "bigint" ? Number(sample.value) : sample.value,
      })),
    ),
  );
  return JSON.stringify({ gateway: "gw-00042", samples });
}
