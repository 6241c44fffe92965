import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HistorySeries } from "#ports/history.ts";
import { openLocalHistory } from "../../../runtime/store/history-backend.ts";
import { NodeDisk } from "../../../runtime/store/node-disk.ts";
import { openStore } from "../../../runtime/store/open-store.ts";
import { writeSuperblock } from "../../../runtime/store/ring-scan.ts";
import { defaultStoreSettings } from "../../../runtime/store/settings.ts";
import type { StoreCore } from "../../../runtime/store/store-core.ts";
import { seededEntropy, silentLogger } from "../../store/doubles.ts";
import { alarmFrame, groupFrame, plainAssembler, slotOf, textsOf } from "../../store/frames.ts";
import { ManualClock } from "../../store/manual-clock.ts";
import type { FuzzSubject } from "../subject.ts";
import { folderFor } from "./documents.ts";

const settings = { ...defaultStoreSettings, ballastBytes: 16 * 1024, budgetBytes: 4 * 1024 * 1024 };
const journalBytes = 64 * 1024;
type StoreFile = "journal.ring" | "buffer.db" | "buffer.db-wal";
/** Records of 4 KiB: more than the journal holds. */
const rounds = 18;
const groupText = (id: number) => `${id} ${"x".repeat(id % 5 === 0 ? 3_000 : 300)}`;
const genuine = new Set(Array.from({ length: rounds }, (_, id) => [groupText(id + 1), `alarm ${id + 1}`]).flat());
genuine.add("after");

function openIn(folder: string, clock: ManualClock) {
  const disk = new NodeDisk(folder);
  return openStore({ disk, clock, entropy: seededEntropy(7), assembler: plainAssembler, log: silentLogger, settings });
}

interface Template {
  readonly files: ReadonlyMap<StoreFile, Uint8Array>;
  readonly atMs: number;
}

/** A folder whose small journal went round several times, with a backlog: as a power cut left it, the same with the log folded in, after a stop in order. */
function templates(): { readonly cut: Template; readonly folded: Template; readonly stopped: Template } {
  const folder = folderFor("store");
  const clock = new ManualClock();
  const journal = new NodeDisk(folder.path).preallocate("journal.ring", journalBytes);
  writeSuperblock(journal, "0123456789abcdef");
  journal.close();
  const { core, release } = openIn(folder.path, clock);
  for (let id = 1; id <= rounds; id += 1) {
    core.append([groupFrame(groupText(id), slotOf(id, clock.monotonicMs() + 60_000)), alarmFrame(`alarm ${id}`)]);
    if (!core.commit(true)) throw new Error("the template cannot be made");
    clock.step(60_000);
  }
  const file = (name: StoreFile) => [name, readFileSync(join(folder.path, name))] as const;
  const cut = [file("journal.ring"), file("buffer.db"), file("buffer.db-wal")] as const;
  core.close();
  release();
  const stopped = [file("journal.ring"), file("buffer.db")] as const;
  folder.end();
  const of = (...files: readonly (readonly [StoreFile, Uint8Array])[]) => ({ files: new Map(files), atMs: clock.monotonicMs() + 5_000 });
  return { cut: of(...cut), folded: of(cut[0], stopped[1]), stopped: of(...stopped) };
}

/** One file of the store's folder is damaged, the others are as they were left by turns. */
function storeSubject(damaged: StoreFile, left: readonly (keyof ReturnType<typeof templates>)[], files: readonly string[]): FuzzSubject {
  const open = () => {
    const folder = folderFor("fuzz-store");
    const made = templates();
    const used = left.map((one) => made[one]);
    let [turn, whole] = [0, 0];
    const read = (bytes: Uint8Array) => {
      const template = used[turn++ % used.length];
      if (template === undefined) throw new Error("no template");
      for (const gone of ["corrupt", "buffer.db-wal", "buffer.db-journal"])
        rmSync(join(folder.path, gone), { recursive: true, force: true });
      for (const [file, content] of template.files) writeFileSync(join(folder.path, file), file === damaged ? bytes : content);
      const clock = new ManualClock(template.atMs);
      const { core, release } = openIn(folder.path, clock);
      try {
        const texts = textsAfter(core, clock);
        if (texts.length > 2 * rounds) whole += 1;
        // Chunks and records have checksums: what comes out is what was put in.
        return texts.some((text) => !genuine.has(text));
      } finally {
        core.close();
        release();
      }
    };
    const check = () => {
      if (whole === 0) throw new Error("no damage left everything else readable");
    };
    return { valid: used.map((one) => one.files.get(damaged) ?? new Uint8Array()), read, check, close: folder.end };
  };
  return { name: damaged, share: 0.2, files, open };
}

/** Appends to a store that was opened on damage. @returns all that it holds */
function textsAfter(core: StoreCore, clock: ManualClock): readonly string[] {
  core.append([alarmFrame("after")]);
  // A backlog that turns out to be damaged is opened again after a while, and set aside the second time.
  for (let turn = 0; turn < 4 && (turn === 0 || core.stats().state !== "ok"); turn++) {
    if (!core.commit(true)) throw new Error("it takes nothing any more");
    clock.step(6_000);
  }
  if (core.stats().state !== "ok") throw new Error(`the backlog stays ${core.stats().state}`);
  const texts = core
    .stats()
    .streams.flatMap(({ stream }) => core.read({ stream, fromSeq: 1, maxChunks: 1_000, maxBytes: 1e7 }).map((one) => one.bytes))
    .flatMap((chunk) => textsOf(Buffer.from(chunk)));
  if (!texts.includes("after")) throw new Error("what was appended is not there");
  const { ledger } = core.stats();
  if (ledger.polled !== ledger.delivered + ledger.buffered + ledger.dropped)
    throw new Error(`the ledger does not balance: ${JSON.stringify(ledger)}`);
  return texts;
}

const hourMs = 3_600_000;
const startMs = 1_800_000_000_000 - (1_800_000_000_000 % (24 * hourMs));
const seriesOf = (metric: string): HistorySeries => ({ equipment: "sw-1", table: "if", rowKey: "port0", metric, kind: "gauge", unit: "%" });
const series = [seriesOf("load"), seriesOf("ifOperStatus"), seriesOf("ifHCInOctets")] as const;

const hours = 26;
/** Hours back and points at most: every value, bins of five minutes, bins of an hour. */
const queries = [[2, 1_000] as const, [hours, 120] as const, [hours, 20] as const];

async function historyOf(folder: string, atMs: number) {
  const clock = new ManualClock(0);
  clock.wallOffsetMs = atMs;
  const parts = { disk: new NodeDisk(folder), clock: clock as never, logger: silentLogger };
  const backend = openLocalHistory({ ...parts, settings: { flushMs: 2 * hourMs, maxBytes: 1024 * 1024 } });
  backend.openTable(1, series);
  /** Minutes with a value of each series every ten. */
  const pass = async (minutes: number) => {
    for (let at = 0; at < minutes; at += 10) {
      backend.row(1, clock.now().wallMs, Float64Array.of(at, 1, at * 7));
      await clock.advance(600_000);
    }
  };
  return { backend, pass };
}

/** A day and two hours of three series: values, bins of five minutes, bins of an hour. */
async function openHistory() {
  const folder = folderFor("history");
  const { backend, pass } = await historyOf(folder.path, startMs);
  await pass(hours * 60);
  await backend.close();
  const place = (file: string) => join(folder.path, file);
  const image = readFileSync(place("history.db"));
  let understood = 0;
  const read = async (bytes: Uint8Array) => {
    for (const gone of ["corrupt", "history.db-wal", "history.db-journal"]) rmSync(place(gone), { recursive: true, force: true });
    writeFileSync(place("history.db"), bytes);
    const again = await historyOf(folder.path, startMs + hours * hourMs);
    try {
      const known = await again.backend.series(undefined);
      for (const [index, [spanHours, maxPoints]] of queries.entries()) {
        const query = { fromMs: startMs + (hours - spanHours) * hourMs, toMs: startMs + hours * hourMs, maxPoints };
        const { points } = await again.backend.read({ ...query, series: known[index % known.length] ?? series[0] });
        if (points.length > 1_000) throw new Error(`${points.length} points`);
        understood += points.length;
      }
      await again.pass(70);
      await again.backend.bytes();
    } finally {
      await again.backend.close();
    }
  };
  const check = () => {
    if (understood === 0) throw new Error("nothing was ever read");
  };
  return { valid: [image], read, check, close: folder.end };
}

const recovery = ["runtime/store/open-store.ts", "runtime/store/recovery.ts", "runtime/store/reconcile.ts"];
const journal = ["runtime/store/ring-scan.ts", "runtime/store/record.ts", ...recovery];
const backlog = ["runtime/store/database.ts", "runtime/store/schema-shape.ts", "runtime/store/salvage.ts", "runtime/store/backlog.ts"];
const history = ["runtime/store/history-backend.ts", "runtime/store/history-core.ts", "runtime/store/history-blocks.ts"];

/** Databases and journal of the state folder, in a file system in memory. */
export const databaseSubjects: readonly FuzzSubject[] = [
  storeSubject("journal.ring", ["cut", "stopped"], journal),
  storeSubject("buffer.db", ["folded", "stopped"], [...backlog, ...recovery]),
  storeSubject("buffer.db-wal", ["cut"], [...backlog, ...recovery]),
  { name: "history.db", share: 0.1, files: [...history, "runtime/store/history-block.ts", "runtime/store/database.ts"], open: openHistory },
];
