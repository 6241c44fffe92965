import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SignerPolicy } from "../../../cloud-bridge/noc/authority/signer-policy.ts";
import { parseRequest } from "../../../cloud-bridge/noc/authority/signer-wire.ts";
import { checkAnswer } from "../../../drivers/probe/http/expectations.ts";
import { AuditBook } from "../../../runtime/host/audit-book.ts";
import { slotDisk } from "../../../runtime/host/slot-disk.ts";
import { Slots } from "../../../runtime/update/slots.ts";
import { manifest, order } from "../../northbound/orders/noc-pen.ts";
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

/** What a `noc serve` that was taken over may ask of the signer. Tokens of technicians are not to be had there. */
function openSigner(isPayload: boolean) {
  const folder = folderFor("signer");
  let nowS = 1_800_000_000;
  const policy = new SignerPolicy(folder.path, () => nowS);
  const desired = manifest(3, nowS);
  const command = { ...order("gateway.restart", nowS, "n".repeat(22)), sub: "ana+ben", risk: "disruptive" };
  const sign = (type: string, payload: object) => ({ op: "sign", type, payload: text(payload).toString("base64") });
  const lines = [
    sign("gh-desired+jws", desired),
    sign("gh-cmd+jws", command),
    sign("gh-tech+jws", {}),
    { op: "document", tenant: "acme" },
    { op: "facts" },
  ];
  const read = (bytes: Uint8Array) => {
    // So many a second are signed.
    nowS += 0.05;
    if (isPayload) return policy.admit(Buffer.from(bytes).includes("docs") ? "gh-desired+jws" : "gh-cmd+jws", bytes);
    const asked = parseRequest(Buffer.from(bytes).toString("utf8"));
    if (asked.op !== "sign") return undefined;
    policy.admit(asked.type, Buffer.from(asked.payload, "base64"));
    return asked.type === "gh-tech+jws";
  };
  const close = () => {
    policy.close();
    folder.end();
  };
  return { valid: (isPayload ? [desired, command] : lines).map(text), form: "json" as const, read, close };
}

/** What the launcher goes by: whatever the line says, one of three programs is named. */
function openBootLine() {
  const folder = folderFor("slots");
  const slots = new Slots(slotDisk, folder.path);
  const read = (bytes: Uint8Array) => {
    for (const name of ["boot", "failed"]) writeFileSync(join(folder.path, name), bytes);
    const { active, pending = "a", tries } = slots.boot();
    if (!["a", "b", "factory"].includes(active) || !["a", "b"].includes(pending) || tries < 0 || tries > 9) throw new Error("no program");
    slots.takeFailure();
    slots.giveUp();
    if (slots.boot().active !== active) throw new Error("what was active is not any more");
  };
  return { valid: [text("active=a pending=b tries=3\n"), text("active=factory\n")], form: "text" as const, read, close: folder.end };
}

const signer = ["cloud-bridge/noc/authority/signer-wire.ts", "cloud-bridge/noc/authority/signer-policy.ts"];

/** Books and answers that are read as a whole. */
export const bookSubjects: readonly FuzzSubject[] = [
  { name: "requests to the NOC's signer", files: signer, refusesValid: true, open: () => openSigner(false) },
  { name: "payloads for the NOC's signer", files: signer, open: () => openSigner(true) },
  { name: "the launcher's line", files: ["runtime/update/slots.ts"], open: openBootLine },
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
