import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkAnswer } from "../../../drivers/probe/http/expectations.ts";
import { AuditBook } from "../../../runtime/host/audit-book.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { ManualClock } from "../../store/manual-clock.ts";
import { type FuzzSubject, taken, text } from "../subject.ts";
import { folderFor } from "./documents.ts";

async function openAudit() {
  const folder = folderFor("audit");
  const platform = { clock: new ManualClock(), logger: silentLogger };
  const book = new AuditBook(folder.path, platform);
  const stop = new AbortController();
  const running = book.run(stop.signal);
  for (let n = 1; n <= 12; n++) book.write({ actor: "technician:ana", action: "test.deed", target: `t${n}`, outcome: "ok", detail: "x" });
  stop.abort(new Error("done"));
  await running;
  const page = join(folder.path, "audit", "audit.jsonl");
  const whole = readFileSync(page);
  const genuine = whole.toString("utf8").trimEnd().split("\n");
  const read = async (bytes: Uint8Array) => {
    writeFileSync(page, bytes);
    const opened = new AuditBook(folder.path, platform);
    await opened.read(100);
    opened.write({ actor: "a", action: "b", outcome: "ok" });
    const { breaks } = await opened.verify();
    // The newest record is vouched for by the signed head that is told to the NOC, not by the book; older ones by those behind them.
    const old = Buffer.from(bytes)
      .toString("utf8")
      .split("\n")
      .slice(0, -1)
      .filter((line) => line !== "")
      .slice(0, -1);
    return breaks.length === 0 && old.some((line) => !genuine.includes(line));
  };
  return { valid: [whole], form: "text" as const, read, close: folder.end };
}

const phases = { resolve: 0, connect: 1, tls: 0, firstByte: 2, transfer: 1, total: 4 };
const expected = {
  status: ["2xx"],
  contains: ["status"],
  notContains: ["fatal error"],
  matches: ['"version":\\s*"\\d+\\.\\d+'],
  json: [
    { pointer: "/status", equals: "ok" },
    { pointer: "/queue/0/length", min: 0, max: 100 },
    { pointer: "/a~1b", exists: true },
  ],
};

/** Books and answers that are read as a whole. */
export const bookSubjects: readonly FuzzSubject[] = [
  { name: "audit book", share: 0.2, files: ["runtime/host/audit-book.ts"], open: openAudit },
  {
    name: "body of an answer to an HTTP check",
    files: ["drivers/probe/http/expectations.ts", "drivers/probe/http/json-value.ts"],
    open: () => ({
      valid: [text({ status: "ok", version: "1.2", queue: [{ length: 5 }], "a/b": null })],
      form: "json",
      read: taken((bytes) => {
        const answer = { status: 200, headers: {}, setCookies: [], body: Buffer.from(bytes), isCut: false, phases };
        checkAnswer(expected as never, answer, 262_144);
      }),
    }),
  },
];
