import type { DemoLedger } from "./noc-client.ts";

export interface DemoCount {
  /** Polls answered, per device, as its agent counted them in this run. */
  readonly polledAtAgents: Readonly<Record<string, number>>;
  /** The NOC's stored chunks before and after this run. */
  readonly before: DemoLedger | undefined;
  readonly after: DemoLedger | undefined;
  /** What the gateway says at its end: samples. */
  readonly gateway: { readonly polled: number; readonly delivered: number; readonly buffered: number; readonly dropped: number };
}

const plain = new Intl.NumberFormat("en-US");

/** The ledger recounted from outside: a line per device, then the sums. `balances` decides the demo's exit code. */
export function ledgerReport(count: DemoCount): { readonly lines: readonly string[]; readonly balances: boolean } {
  const { polledAtAgents, before, after, gateway } = count;
  const atNoc = (id: string) => (after?.recount?.byEquipment?.[id] ?? 0) - (before?.recount?.byEquipment?.[id] ?? 0);
  const lines = [
    "",
    "Ledger of this run, recounted from outside",
    "  equipment        polls answered by the agent   in the NOC's stored chunks",
  ];
  let same = true;
  for (const [id, polled] of Object.entries(polledAtAgents)) {
    const stored = atNoc(id);
    same &&= stored === polled;
    lines.push(
      `  ${id.padEnd(16)} ${plain.format(polled).padStart(28)} ${plain.format(stored).padStart(28)}${stored === polled ? "" : "   differs"}`,
    );
  }
  const recounted = after?.recount?.samples ?? 0;
  const lost = gateway.polled - recounted - gateway.buffered - gateway.dropped;
  lines.push(
    "",
    `  samples polled by the gateway, all runs   ${plain.format(gateway.polled).padStart(14)}`,
    `  samples in the NOC's stored chunks        ${plain.format(recounted).padStart(14)}`,
    `  still in the gateway's buffer             ${plain.format(gateway.buffered).padStart(14)}`,
    `  dropped, with a gap record                ${plain.format(gateway.dropped).padStart(14)}`,
    `  unaccounted for                           ${plain.format(lost).padStart(14)}`,
    `  duplicates removed by the NOC ${plain.format(after?.duplicates ?? 0)}, chunks missing ${plain.format(after?.missing ?? 0)}`,
  );
  const balances = same && lost === 0 && gateway.dropped === 0 && (after?.missing ?? 1) === 0 && (after?.recount?.unreadable ?? 1) === 0;
  lines.push("", balances ? "  The ledger balances: nothing was lost." : "  The ledger does NOT balance.", "");
  return { lines, balances };
}
