import type { FaultReport } from "./trial.ts";

const seconds = (ms: number | undefined) => (ms === undefined ? "-" : `${Math.round(ms / 1_000)}`);

/** One line per fault, and what is not as it should be below. */
export function tableOf(reports: readonly FaultReport[]): string {
  const rows = reports.map((report) => [
    report.name,
    report.detectedMs === undefined ? "no" : "yes",
    seconds(report.detectedMs),
    report.verdictIsRight === undefined ? "" : `${report.verdict} (${report.verdictIsRight ? "right" : "WRONG"})`,
    String(report.incidents.length),
    String(report.consequences),
    seconds(report.clearedMs),
  ]);
  const head = ["fault", "noticed", "after s", "verdict", "incidents", "consequences", "cleared after s"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const noticed = reports.filter(({ detectedMs }) => detectedMs !== undefined).length;
  const judged = reports.filter(({ verdictIsRight }) => verdictIsRight !== undefined);
  const right = judged.filter(({ verdictIsRight }) => verdictIsRight === true).length;
  const single = reports.filter(({ incidents }) => incidents.length === 1).length;
  const cleared = reports.filter(({ clearedMs }) => clearedMs !== undefined).length;
  const sum = `${reports.length} faults: ${noticed} noticed, ${right} of ${judged.length} verdicts right, ${single} made one incident, ${cleared} cleared`;
  return [line(head), ...rows.map(line), "", sum, ...reports.flatMap(remarksOn)].join("\n");
}

/** What is more or less than one incident, or stays. */
function remarksOn({ name, incidents, stays, clearedMs }: FaultReport): readonly string[] {
  const many = incidents.length === 1 ? [] : incidents.map((one) => `  incident: ${one}`);
  const left = clearedMs === undefined ? stays.map((one) => `  stays: ${one}`) : [];
  return many.length + left.length === 0 ? [] : [`${name}:`, ...many, ...left];
}
