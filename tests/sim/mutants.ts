/**
 * `npm run sim:mutants [-- --jobs J] [--only TEXT]`: breaks the code on purpose, one place at a time, in a copy of the tree, and runs the simulation on it.
 * Fails unless every mutant is caught, and says by which property. A simulation that lets a broken outbox pass is worth nothing.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

interface Mutant extends Edit {
  readonly name: string;
  /** Where two places see to the same thing. */
  readonly and?: Edit;
  readonly all?: boolean;
  /** Damage is in every fifth seed only, and turns different bits in each: from this seed on in steps of five. */
  readonly damagedFrom?: number;
}

const mutants: readonly Mutant[] = [
  {
    name: "deletes a chunk on the broker's PUBACK",
    file: "runtime/northbound/drain.ts",
    find: "entry.confirmed = true;",
    replace:
      "entry.confirmed = true;\n          void this.#parts.buffer.acknowledge({ stream: cursor.stream, upTo: 0, ranges: [[chunk.seq, chunk.seq]] });",
  },
  {
    name: "says nothing about an unclean start",
    file: "runtime/store/tenure.ts",
    find: "if (!this.#restartPending) return undefined;",
    replace: "if (this.#restartPending || !this.#restartPending) return undefined;",
  },
  {
    name: "seals in the wrong order",
    file: "runtime/store/open-group.ts",
    find: "seals.sort((a, b) => (a.frames.at(-1)?.position ?? 0) - (b.frames.at(-1)?.position ?? 0));",
    replace: "seals.sort((a, b) => (b.frames.at(-1)?.position ?? 0) - (a.frames.at(-1)?.position ?? 0));",
  },
  {
    name: "seals a chunk before the dictionary it needs",
    file: "runtime/store/open-group.ts",
    find: "seals.sort((a, b) => (a.frames.at(-1)?.position ?? 0) - (b.frames.at(-1)?.position ?? 0));",
    replace: "seals.sort((a, b) => (a.frames[0]?.position ?? 0) - (b.frames[0]?.position ?? 0));",
  },
  {
    name: "trusts a wall clock that nobody vouches for",
    file: "cloud-bridge/protocol/codec/slots.ts",
    find: "const unanchored = isUnanchored(at);\n    const slot",
    replace: "const unanchored = false;\n    const slot",
  },
  { name: "does not sync the journal", file: "runtime/store/ring.ts", find: "this.#file.sync();", replace: "", all: true },
  {
    name: "uses a seq again after a restart",
    file: "runtime/store/streams.ts",
    find: "this.nextSeq = from.next;",
    replace: "this.nextSeq = from.ack + 1;",
  },
  {
    name: "acknowledges the highest seq instead of the contiguous one (NOC)",
    file: "cloud-bridge/noc/ingest/ranges.ts",
    find: "return first !== undefined && first[0] === 1 ? first[1] : 0;",
    replace: "return ranges.at(-1)?.[1] ?? (first === undefined ? 0 : first[1]);",
  },
  {
    name: "forgets the new base of a counter after a restart of its agent",
    file: "cloud-bridge/protocol/codec/column-encoders.ts",
    find: "if (memory.known[row] !== 1 || !follows) {",
    replace: "if (memory.known[row] !== 1) {",
  },
  {
    name: "polls one equipment at a time",
    file: "runtime/southbound/poller.ts",
    find: "this.#permits = new Permits(options.maxConcurrentPolls - doubtful);",
    replace: "this.#permits = new Permits(1);",
  },
  {
    name: "takes what the last session sent for delivered",
    file: "runtime/northbound/stream-cursor.ts",
    find: "this.nextRead = state.firstSeq;",
    replace: "this.nextRead = state.nextSeq;",
  },
  {
    name: "never sends again what the NOC does not acknowledge",
    file: "runtime/northbound/drain.ts",
    find: "return cursor.waitingSinceMs + timeout.ms;",
    replace: "return Number.POSITIVE_INFINITY;",
    and: {
      file: "runtime/northbound/stream-cursor.ts",
      find: "return entry.confirmed && entry.sentAtMs < this.#newestAckedSentAtMs;",
      replace: "return entry.confirmed && entry.sentAtMs < 0;",
    },
  },
  {
    name: "wakes to send again, and does not",
    file: "runtime/northbound/drain.ts",
    find: "if (this.#ackDueMs(cursor) <= nowMs) cursor.rewind(nowMs);",
    replace: "",
  },
  {
    name: "begins a stream without a key-frame",
    file: "cloud-bridge/protocol/codec/slots.ts",
    find: "const isKeyFrame = own.forceKey || keyNumber !== own.keyNumber || !sameBoot;",
    replace: "const isKeyFrame = keyNumber % 7 === 6 && own.forceKey;",
  },
  {
    name: "does not seal what was journaled before the crash",
    file: "runtime/store/open-group.ts",
    find: "    this.#hold({ frame, position, recordSeq });",
    replace: '    if (frame.kind !== "group") this.#hold({ frame, position, recordSeq });',
  },
  {
    name: "acknowledges before its commit survives a crash (NOC)",
    file: "cloud-bridge/noc/ingest/ingest.ts",
    find: "const result = await this.#persist(signal, (nowMs) =>\n      this.#parts.store.transaction((tx) => this.#parts.writer.write(tx, batch, nowMs)),\n    );",
    replace:
      "let early = false;\n    const result = await this.#persist(signal, async (nowMs) => {\n      const news = await this.#parts.store.transaction(async (tx) => { const told = await this.#parts.writer.write(tx, batch, nowMs); if (!early) { early = true; this.#parts.onCommitted(told.news); await this.#parts.clock.sleep(1_000, signal); } return told; });\n      return news;\n    });",
  },
  {
    name: "evicts without a word",
    file: "runtime/store/relief.ts",
    find: 'ledger.drop({ kind: "gap", observedAt: clock.now(), reason: "cap", stream: run.stream, fromSeq, toSeq, fromMs, toMs, samples });',
    replace: "ledger.dropped += samples;",
  },
  {
    name: "lets what is live wait behind the backlog",
    file: "runtime/northbound/link.ts",
    find: "if (live.nextSeq - live.firstSeq > splitChunks) return true;",
    replace: "if (live.nextSeq > 0) return false;",
  },
  {
    name: "takes what a damaged journal left for what comes next in its stream",
    file: "runtime/store/recovery.ts",
    find: "const salvaged = damaged || scan.suspect ? salvagedSlots() : undefined;",
    replace: "const salvaged = damaged && scan.records.length < 0 ? salvagedSlots() : undefined;",
    damagedFrom: 1_093,
  },
  {
    name: "loses the anchors of earlier boots with the buffer",
    file: "runtime/clock-watch.ts",
    find: "const earlier = this.#book.of((anchor) => anchor.bootId !== bootId);",
    replace: "const earlier = this.#book.of((anchor) => anchor.bootId !== anchor.bootId);",
    damagedFrom: 20_058,
  },
  {
    name: "believes a backlog whose schema is damaged",
    file: "runtime/store/database.ts",
    find: "if (options.check) atDisk({ file }, () => checkSchema(database, options.migrations, file));",
    replace: "",
    damagedFrom: 2_198,
  },
  {
    name: "begins a new ledger at every start",
    file: "runtime/store/open-store.ts",
    find: "if (recovered !== undefined) restoreLedger(ledger, recovered);",
    replace: "",
  },
];

const root = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: String(availableParallelism()) },
    hours: { type: "string", default: "12" },
    seeds: { type: "string", default: "10" },
    only: { type: "string", default: "" },
  },
});
const parts = ["runtime", "cloud-bridge", "drivers", "tests/sim", "package.json"];
const limitMs = 600_000;

interface Finding {
  readonly word: "caught" | "not proven" | "SURVIVED";
  readonly by: string;
}

function editsOf(mutant: Mutant): readonly Edit[] {
  return mutant.and === undefined ? [mutant] : [mutant, mutant.and];
}

function assertThere(mutant: Mutant): void {
  for (const { file, find } of editsOf(mutant)) {
    const isThere = readFileSync(join(root, file), "utf8").includes(find);
    if (!isThere) throw new Error(`mutant "${mutant.name}": its place in ${file} is gone; adapt the mutant`);
  }
}

function prepare(mutant: Mutant | undefined): string {
  const copy = mkdtempSync(join(tmpdir(), "gatehouse-mutant-"));
  for (const part of parts) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  if (mutant === undefined) return copy;
  for (const { file, find, replace } of editsOf(mutant)) {
    const text = readFileSync(join(copy, file), "utf8");
    writeFileSync(join(copy, file), mutant.all === true ? text.replaceAll(find, replace) : text.replace(find, () => replace));
  }
  return copy;
}

/** Seed after seed until one fails; each mutant has one thread, and several mutants run side by side. */
function live(copy: string, damagedFrom?: number, jobs = "1"): Promise<Finding> {
  // Bits turn where they turn: more and longer lives are needed until one hits the place.
  const range =
    damagedFrom === undefined
      ? ["--seeds", values.seeds, "--hours", values.hours]
      : ["--first", String(damagedFrom), "--step", "5", "--seeds", "60", "--hours", "24"];
  const args = ["tests/sim/main.ts", "--jobs", jobs, ...range, "--stop-at-first"];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: copy, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, limitMs);
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => {
        if (out.length < maxOutput) out += data.toString("utf8");
      });
    child.once("close", (code) => {
      clearTimeout(limit);
      resolve(findingOf(out, late, code));
    });
  });
}

const maxOutput = 1_000_000;

function findingOf(out: string, late: boolean, code: number | null): Finding {
  const failed = /FAILED seed (\d+)[^\n]*\n {2}([^\n]*)/.exec(out);
  if (failed !== null) {
    const [, seed, property = ""] = failed;
    return { word: "caught", by: `seed ${seed}: ${property.slice(0, 150)}` };
  }
  if (late) return { word: "not proven", by: `no seed had failed after ${limitMs / 1_000} s` };
  if (code === 0) return { word: "SURVIVED", by: `${values.seeds} seeds` };
  return { word: "not proven", by: `the run ended with ${code}: ${out.trim().split("\n").at(-1)?.slice(0, 150)}` };
}

const chosen = mutants.filter((mutant) => mutant.name.includes(values.only));
const waiting = [...chosen];
let proven = 0;

/** Without a mutation the same seeds must hold, or a failure would prove nothing. */
async function control(): Promise<void> {
  const copy = prepare(undefined);
  try {
    const { word, by } = await live(copy, undefined, values.jobs);
    if (word !== "SURVIVED") throw new Error(`the code fails without a mutation: ${word}, ${by}`);
    console.log(`control     the code as it is holds (${by})`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function work(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const copy = prepare(mutant);
    try {
      const { word, by } = await live(copy, mutant.damagedFrom);
      if (word === "caught") proven += 1;
      console.log(`${word.padEnd(10)}  ${mutant.name} (${by})`);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }
}

for (const mutant of chosen) assertThere(mutant);
await control();
await Promise.all(Array.from({ length: Math.min(Number(values.jobs), chosen.length) }, work));
console.log(`${proven} of ${chosen.length} mutants caught`);
process.exitCode = proven === chosen.length ? 0 : 1;
