/**
 * `npm run sim:mutants`: breaks the code on purpose, one place at a time, in a copy of the tree, and runs the simulation on it. Fails unless every mutant
 * is caught, and says by which property. A simulation that lets a broken outbox pass is worth nothing.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly all?: boolean;
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
    find: "this.#permits = new Permits(options.maxConcurrentPolls);",
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
];

const root = join(import.meta.dirname, "../..");
const hours = process.env["GATEHOUSE_MUTANT_HOURS"] ?? "8";
const seeds = process.env["GATEHOUSE_MUTANT_SEEDS"] ?? "5";
let survived = 0;

for (const mutant of mutants) {
  const copy = mkdtempSync(join(tmpdir(), "gatehouse-mutant-"));
  try {
    for (const part of ["runtime", "cloud-bridge", "drivers", "tests/sim", "package.json"])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const file = join(copy, mutant.file);
    const text = readFileSync(file, "utf8");
    if (!text.includes(mutant.find)) throw new Error(`mutant "${mutant.name}": its place in ${mutant.file} is gone; adapt the mutant`);
    writeFileSync(file, mutant.all === true ? text.replaceAll(mutant.find, mutant.replace) : text.replace(mutant.find, mutant.replace));
    const run = spawnSync(process.execPath, ["tests/sim/main.ts", "--seeds", seeds, "--hours", hours, "--stop-at-first"], {
      cwd: copy,
      encoding: "utf8",
      timeout: 240_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    const caught = run.status === 1 && run.stdout.includes("FAILED");
    const crashed = run.status !== 0 && run.status !== 1;
    const property =
      /FAILED[^\n]*\n {2}([^\n]*)/.exec(run.stdout)?.[1] ??
      (crashed ? `the simulation itself ended: ${run.stderr.trim().split("\n").at(-1)}` : "");
    const seed = /FAILED seed (\d+)/.exec(run.stdout)?.[1];
    if (!caught && !crashed) survived += 1;
    console.log(
      `${caught || crashed ? "caught  " : "SURVIVED"}  ${mutant.name}${seed === undefined ? "" : ` (seed ${seed})`}: ${property.slice(0, 160)}`,
    );
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
console.log(`${mutants.length - survived} of ${mutants.length} mutants caught`);
process.exitCode = survived === 0 ? 0 : 1;
