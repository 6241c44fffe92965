import type { RemoteInfo } from "node:dgram";
import type { Engine } from "../../../../drivers/snmp/engine/engine.ts";
import type { SnmpCredential } from "../../../../runtime/model/equipment.ts";
import { isGatewayError } from "../../../../runtime/model/errors.ts";
import type { SnmpSession, TablePlan, Varbind } from "../../../../runtime/ports/snmp.ts";
import { isCellSaid, isSaid, isValueSaid } from "./claims.ts";
import { mutate } from "./mutating.ts";
import { type PlainMessage, readMessage, readNode, readPduNode, writeMessage, writePdu } from "./plain-ber.ts";
import { byArcs, type Cell, integer, octets, TableAgent } from "./table-agent.ts";
import { UsmAgent } from "./usm-agent.ts";

export const fuzzUser: Extract<SnmpCredential, { version: "3" }> = {
  version: "3",
  user: "fuzz",
  auth: { protocol: "sha256", key: "authentication-1" },
  priv: { protocol: "aes128", key: "privacy-pass-1" },
};

const entry = "1.3.6.1.2.1.31.1.1.1";
const rows = ["1", "2", "10", "127", "128", "16383", "16384", "2097152"];
const plan = (): TablePlan => ({
  table: "fuzzed",
  rows,
  columns: [
    { oid: `${entry}.1`, as: "text" },
    { oid: `${entry}.6`, as: "counter" },
    { oid: `${entry}.10`, as: "counter" },
    { oid: `${entry}.15`, as: "number" },
    { oid: `${entry}.18`, as: "bytes" },
  ],
});

const opening = ["1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.7.0"];

function trueCell(row: string, column: number): Cell {
  if (column === 1) return octets(`port-${row}`);
  if (column === 6) return integer(BigInt(row) * 12_345_678_901n, 0x46);
  if (column === 10) return integer((Number(row) * 77_777) % 2 ** 32, 0x41);
  if (column === 15) return integer(Number(row) % 3 === 0 ? -Number(row) : Number(row), Number(row) % 3 === 0 ? 0x02 : 0x42);
  return { tag: 0x04, content: Uint8Array.of(2, 0, 0, 0, 0, Number(row) & 0xff) };
}

/** One session and the agent that lies to it. Counts what came of it. */
export class FuzzedConversation {
  readonly tally = { operations: 0, mutated: 0, failed: 0, wrong: [] as string[] };
  readonly #agent = new TableAgent();
  readonly #random: () => number;
  readonly #credential: SnmpCredential;
  readonly #plan = plan();
  #usm: UsmAgent | undefined;
  /** What was said under each name in the operation that runs: v3 is authenticated, there only the truth may be believed. */
  #said = new Map<string, Cell[]>();

  constructor(credential: SnmpCredential, random: () => number) {
    this.#credential = credential;
    this.#random = random;
  }

  async open(engine: Engine): Promise<SnmpSession> {
    this.#agent.table(entry, [1, 6, 10, 15, 18], rows, trueCell);
    this.#agent.set({
      "1.3.6.1.2.1.1.1.0": octets("x".repeat(200)),
      "1.3.6.1.2.1.1.2.0": { tag: 6, content: Uint8Array.of(0x2b, 6, 1, 0x84, 0x80, 0) },
    });
    this.#agent.set({
      "1.3.6.1.2.1.1.3.0": integer(2 ** 31 + 5, 0x43),
      "1.3.6.1.2.1.1.7.0": integer(-5),
      "1.3.6.1.2.1.4.20.0": { tag: 0x40, content: Uint8Array.of(192, 0, 2, 1) },
    });
    await this.#agent.open();
    if (this.#credential.version === "3")
      this.#usm = await UsmAgent.create(
        Uint8Array.of(0x80, 0, 0x1f, 0x88, 5, this.#agent.port >> 8, this.#agent.port & 0xff),
        this.#credential,
      );
    this.#agent.socket.removeAllListeners("message");
    this.#agent.socket.on("message", (bytes, from) => this.#onRequest(bytes, from));
    return engine.open({ address: "127.0.0.1", port: this.#agent.port, credential: this.#credential, timeoutMs: 250, retries: 1 });
  }

  #onRequest(bytes: Buffer, from: RemoteInfo): void {
    const right = this.#usm === undefined ? writeMessage(this.#agent.answer(readMessage(bytes))) : this.#answerV3(this.#usm, bytes);
    if (right === undefined) return;
    const choice = this.#random();
    if (choice < 0.9) {
      const wrong = mutate(right, this.#random);
      this.tally.mutated += 1;
      if (this.#usm === undefined) this.#hear(wrong);
      this.#agent.socket.send(wrong, from.port, from.address);
    }
    if (choice > 0.5) this.#agent.socket.send(right, from.port, from.address);
  }

  #answerV3(usm: UsmAgent, bytes: Buffer): Uint8Array | undefined {
    const request = usm.open(bytes);
    if (request === undefined || "report" in request) return request?.report;
    const message: PlainMessage = { version: 3, community: "", ...readPduNode(readNode(request.pdu).node) };
    return usm.seal(request.messageId, writePdu(this.#agent.answer(message)));
  }

  #hear(bytes: Uint8Array): void {
    let message: PlainMessage;
    try {
      message = readMessage(bytes);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return; // no message: nothing in it may be believed
    }
    for (const { oid, tag, content } of message.varbinds) this.#say(oid, { tag, content });
  }

  #say(oid: string, cell: Cell): void {
    const said = this.#said.get(oid);
    if (said === undefined) this.#said.set(oid, [cell]);
    else said.push(cell);
  }

  #sayTruth(): void {
    this.#said = new Map([...this.#agent.cells].map(([oid, cell]) => [oid, [cell]]));
  }

  /** Operations one after the other until `isDone`. */
  async run(
    session: SnmpSession,
    isDone: () => boolean,
    within: (work: Promise<void>, what: string) => Promise<void>,
    nowMs: () => number,
  ): Promise<void> {
    const operations: readonly (readonly [string, () => Promise<void>])[] = [
      ["get", () => this.#get(session)],
      ["getNext", () => this.#getNext(session)],
      ["walk", () => this.#walk(session, nowMs)],
      ["walkTogether", () => this.#walkTogether(session, nowMs)],
      ["readTable", () => this.#read(session, nowMs)],
      ["readTable", () => this.#read(session, nowMs)],
    ];
    while (!isDone()) {
      const [what, operation] = operations[Math.floor(this.#random() * operations.length)] ?? operations[0] ?? ["", async () => undefined];
      this.#sayTruth();
      this.tally.operations += 1;
      await within(
        operation().catch((error: unknown) => this.#forgive(error)),
        what,
      );
    }
  }

  /** Failing is allowed, and only with errors that the port names. */
  #forgive(error: unknown): void {
    if (!isGatewayError(error)) throw error;
    this.tally.failed += 1;
  }

  #check(varbind: Varbind, context: string): void {
    // These also stand for an error-status that names the object, and for a value that could not be read.
    if (["no-such-instance", "end-of-mib-view", "null"].includes(varbind.type)) return;
    if (!isSaid(varbind, this.#said.get(varbind.oid) ?? []))
      this.tally.wrong.push(`${context} ${varbind.oid} ${varbind.type} ${varbind.value}`);
  }

  async #get(session: SnmpSession): Promise<void> {
    const known = [...this.#agent.cells.keys()];
    const oids = Array.from({ length: 1 + Math.floor(this.#random() * 6) }, () => known[Math.floor(this.#random() * known.length)] ?? "");
    const varbinds = await session.get(oids, new AbortController().signal);
    if (varbinds.map(({ oid }) => oid).join() !== oids.join()) this.tally.wrong.push(`get answered other names than ${oids.join()}`);
    for (const varbind of varbinds) this.#check(varbind, "get");
  }

  async #getNext(session: SnmpSession): Promise<void> {
    for (const varbind of await session.getNext([entry, `${entry}.6.10`], new AbortController().signal)) this.#check(varbind, "getNext");
  }

  async #walk(session: SnmpSession, nowMs: () => number): Promise<void> {
    let last = entry;
    for await (const batch of session.walk(
      entry,
      { maxRows: 200, maxRequests: 100, deadlineMs: nowMs() + 20_000 },
      new AbortController().signal,
    )) {
      for (const varbind of batch) {
        if (byArcs(varbind.oid, last) <= 0 || !varbind.oid.startsWith(`${entry}.`))
          this.tally.wrong.push(`walk went from ${last} to ${varbind.oid}`);
        last = varbind.oid;
        this.#check(varbind, "walk");
      }
    }
  }

  async #walkTogether(session: SnmpSession, nowMs: () => number): Promise<void> {
    const roots = [...this.#plan.columns.map(({ oid }) => oid), "1.3.6.1.2.1.4"].map((oid) => ({ oid, maxRows: 100 }));
    const last = roots.map(({ oid }) => oid);
    const limits = { maxRequests: 100, deadlineMs: nowMs() + 20_000 };
    for await (const parts of session.walkTogether?.(roots, limits, new AbortController().signal) ?? []) {
      for (const { root, cells } of parts) {
        for (const { index, value } of cells) {
          const oid = `${roots[root]?.oid}.${index}`;
          if (byArcs(oid, last[root] ?? "") <= 0) this.tally.wrong.push(`walk together went from ${last[root]} to ${oid}`);
          last[root] = oid;
          if (value !== undefined && !isValueSaid(value, this.#said.get(oid) ?? [])) this.tally.wrong.push(`walk together ${oid} ${value}`);
        }
      }
    }
  }

  async #read(session: SnmpSession, nowMs: () => number): Promise<void> {
    const asked = this.#random() < 0.5 ? opening : undefined;
    const answer = await session.readTable(this.#plan, nowMs() + 20_000, new AbortController().signal, asked);
    const openedBy = answer.opening?.varbinds ?? [];
    if (answer.opening !== undefined && openedBy.map(({ oid }) => oid).join() !== asked?.join())
      this.tally.wrong.push("opening of other names");
    for (const varbind of openedBy) this.#check(varbind, "opening");
    for (const [index, column] of answer.columns.entries()) {
      for (const [row, key] of rows.entries()) {
        const oid = `${this.#plan.columns[index]?.oid}.${key}`;
        if (column.present[row] === 1 && !isCellSaid(column, row, this.#said.get(oid) ?? []))
          this.tally.wrong.push(`table ${oid} ${column.value[row]}`);
      }
    }
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}
