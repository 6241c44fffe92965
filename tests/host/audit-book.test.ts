import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { AuditBook } from "../../runtime/host/audit-book.ts";
import { until } from "../integration/noc-peers.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { ManualClock } from "../store/manual-clock.ts";

describe("the audit book", () => {
  const dirs: string[] = [];
  afterEach(() => {
    for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
  });

  function folder(): string {
    const dir = mkdtempSync(join(tmpdir(), "audit-"));
    dirs.push(dir);
    return dir;
  }

  const platform = { clock: new ManualClock(), logger: silentLogger };

  /** Writes while the book runs, and ends it: everything is on disk then. */
  async function written(dir: string, count: number, begin = 1): Promise<AuditBook> {
    const book = new AuditBook(dir, platform);
    const stop = new AbortController();
    const running = book.run(stop.signal);
    for (let n = begin; n < begin + count; n++)
      book.write({ actor: "technician:ana", action: "test.deed", target: `t${n}`, outcome: "ok" });
    stop.abort(new Error("done"));
    await running;
    return book;
  }

  const page = (dir: string) => join(dir, "audit", "audit.jsonl");

  it("chains records, goes on with the chain after a start, and finds it whole", async () => {
    const dir = folder();
    await written(dir, 3);
    const book = await written(dir, 2);
    expect(await book.verify()).toMatchObject({ records: 5, breaks: [] });
    const records = await book.read(10);
    expect(records.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
    expect(records[3]).toMatchObject({ actor: "technician:ana", action: "test.deed", outcome: "ok", clock: "synced" });
  });

  it.each([
    ["a changed record", (lines: string[]) => lines.with(1, (lines[1] ?? "").replace("t2", "t9")), /record 2 was changed after 3/],
    ["a record taken out", (lines: string[]) => lines.toSpliced(1, 1), /record 3 follows 1/],
    [
      "two that changed places",
      (lines: string[]) => [lines[0] ?? "", lines[2] ?? "", lines[1] ?? "", lines[3] ?? ""],
      /record 3 follows 1/,
    ],
    ["one that cannot be read", (lines: string[]) => lines.with(1, "garbage"), /after number 1 cannot be read/],
  ])("finds %s", async (_what, spoil, said) => {
    const dir = folder();
    await written(dir, 4);
    const lines = readFileSync(page(dir), "utf8").trimEnd().split("\n");
    writeFileSync(page(dir), `${spoil(lines).join("\n")}\n`);
    expect((await new AuditBook(dir, platform).verify()).breaks[0]).toMatch(said);
  });

  it("cuts off what a power cut tore, says so, and the chain stays whole", async () => {
    const dir = folder();
    await written(dir, 2);
    appendFileSync(page(dir), '{"n":3,"at":17');
    const book = await written(dir, 1);
    expect((await book.read(10)).map(({ action }) => action)).toEqual(["test.deed", "test.deed", "audit.torn", "test.deed"]);
    expect((await book.verify()).breaks).toEqual([]);
  });

  it("keeps to its quota in pages of 1 MiB, and the chain goes on across them", async () => {
    const dir = folder();
    const book = new AuditBook(dir, platform);
    const stop = new AbortController();
    const running = book.run(stop.signal);
    const lineBytes = 700;
    for (let round = 0; round < 60; round++) {
      for (let n = 0; n < 500; n++) book.write({ actor: "x", action: "test.deed", outcome: "ok", detail: "d".repeat(400) });
      await until("what waited was written", () => book.waiting === 0);
    }
    stop.abort(new Error("done"));
    await running;
    expect(60 * 500 * lineBytes).toBeGreaterThan(16 * 1_048_576);
    const names = readdirSync(join(dir, "audit"));
    expect(names.length).toBe(16);
    const bytes = names.reduce((sum, name) => sum + readFileSync(join(dir, "audit", name)).length, 0);
    expect(bytes).toBeLessThanOrEqual(16 * 1_048_576);
    expect((await book.verify()).breaks).toEqual([]);
  });

  it("is bounded: beyond a thousand waiting it counts, and says how many were lost", async () => {
    const dir = folder();
    const book = new AuditBook(dir, platform);
    for (let n = 0; n < 1_010; n++) book.write({ actor: "x", action: "test.deed", outcome: "ok" });
    expect(book.waiting).toBe(1_000);
    const stop = new AbortController();
    const running = book.run(stop.signal);
    await until("it was written", () => book.waiting === 0);
    book.write({ actor: "x", action: "test.deed", outcome: "ok" });
    stop.abort(new Error("done"));
    await running;
    const records = await book.read(2);
    expect(records[0]).toMatchObject({ action: "audit.overrun", detail: "10 records were lost: too many at once" });
  });

  it("tells every record as an event with its place in the chain", () => {
    const book = new AuditBook(folder(), platform);
    const events: unknown[] = [];
    book.onRecord((event) => events.push(event));
    book.write({ actor: "noc:ops", action: "command.snmp.set", target: "sw-1", outcome: "denied", detail: "locked" });
    expect(events).toMatchObject([
      {
        type: "log.audit",
        text: "command.snmp.set by noc:ops: denied (locked)",
        attributes: { n: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ]);
  });
});
