import type { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import type { CommandRow } from "../../cloud-bridge/noc/authority/command-book.ts";
import type { DesiredView } from "../../cloud-bridge/noc/authority/manifests.ts";
import type { CommandContext } from "./context.ts";

const waitMs = 15_000;
const finalPhases: ReadonlySet<string> = new Set(["ok", "failed", "rolled_back"]);

/** Follows an order to its end; what happens on the way goes to standard error. */
export async function watchCommand(noc: NocClient, first: CommandRow, context: CommandContext): Promise<CommandRow> {
  const signal = context.stopSignal();
  let row = first;
  let said = "";
  let shown = 0;
  for (;;) {
    if (row.state !== said) context.say(`${row.op} ${row.state}\n`);
    said = row.state;
    for (const { pct, out } of row.progress.slice(shown)) {
      context.say(`  ${pct === undefined ? "" : `${Math.round(pct)} % `}${out === undefined ? "" : JSON.stringify(out).slice(0, 200)}\n`);
    }
    shown = row.progress.length;
    if (!row.open) return row;
    row = await noc.get<CommandRow>(`/api/commands/${row.id}`, { after: row.version, waitMs }, signal);
  }
}

/** Follows a generation until it is confirmed, refused or taken back. @returns its last phase */
export async function watchGeneration(noc: NocClient, path: string, gen: number, context: CommandContext): Promise<string> {
  const signal = context.stopSignal();
  const startedMs = context.clock.monotonicMs();
  const said = new Set<string>();
  const say = (sentence: string) => {
    if (said.has(sentence)) return;
    said.add(sentence);
    context.print(`${((context.clock.monotonicMs() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${sentence}\n`);
  };
  say(`generation ${gen} sent`);
  for (let patienceMs = 0; ; patienceMs = waitMs) {
    const { reported, documents, gen: newest } = await noc.get<DesiredView>(path, { waitMs: patienceMs }, signal);
    if (newest > gen) {
      say(`generation ${newest} took its place`);
      return "superseded";
    }
    if (reported === undefined || reported.gen < gen) continue;
    for (const { id, steps } of documents) {
      for (const [step, atMs, detail] of (steps ?? []) as readonly (readonly [string, number, string?])[]) {
        say(`${id}: ${step}${detail === undefined ? "" : `, ${detail}`} (${atMs} ms after it came in)`);
      }
    }
    const why = reported.reason === undefined ? "" : `, because ${reported.reason}`;
    if (!finalPhases.has(reported.phase)) {
      say(`${reported.phase}${reported.reason === undefined ? "" : `: ${reported.reason}`}`);
      continue;
    }
    for (const { id, state, error, tookMs } of documents) {
      if (error !== undefined) say(`${id}: ${state}, ${error.path ?? ""} ${error.msg ?? error.code ?? ""}`);
      else if (reported.phase === "ok" && tookMs !== undefined && state !== "pending")
        say(`${id}: ${state === "same" ? "applied" : state}, ${tookMs} ms`);
    }
    say(reported.phase === "ok" ? "confirmed" : reported.phase === "failed" ? `refused${why}; nothing was changed` : `rolled back${why}`);
    return reported.phase;
  }
}
