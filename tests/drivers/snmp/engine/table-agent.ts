import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { type PlainMessage, type PlainVarbind, readMessage, writeInteger, writeMessage } from "./plain-ber.ts";

export type Cell = Pick<PlainVarbind, "tag" | "content">;

export function integer(value: bigint | number, tag = 0x02): Cell {
  return { tag, content: writeInteger(value, tag).subarray(2) };
}

export function octets(text: string): Cell {
  return { tag: 0x04, content: Buffer.from(text) };
}

const endOfMibView: Cell = { tag: 0x82, content: new Uint8Array(0) };
const noSuchInstance: Cell = { tag: 0x81, content: new Uint8Array(0) };

/** What an agent answers; undefined = nothing. More than one datagram is possible. */
export type Answering = (request: PlainMessage, agent: TableAgent) => readonly Uint8Array[] | undefined;

/** An agent for tests: v1 and v2c over real UDP, rows in memory, answers by the book unless `answering` says otherwise. */
export class TableAgent {
  readonly cells = new Map<string, Cell>();
  /** Answers are cut to this many bytes. */
  maxBytes = 1472;
  answering: Answering = (request) => [writeMessage(this.answer(request))];
  /** Every request that came, as read. */
  readonly requests: PlainMessage[] = [];
  readonly socket: Socket;
  #order: readonly string[] = [];
  readonly #places = new Map<string, number>();

  constructor(type: "udp4" | "udp6" = "udp4") {
    this.socket = createSocket(type);
  }

  get port(): number {
    return this.socket.address().port;
  }

  async open(address = "127.0.0.1"): Promise<this> {
    this.socket.bind(0, address);
    this.socket.on("message", (bytes, from) => this.#onRequest(bytes, from));
    await once(this.socket, "listening");
    return this;
  }

  #onRequest(bytes: Buffer, from: RemoteInfo): void {
    const request = readMessage(bytes);
    if (this.requests.length < 10_000) this.requests.push(request);
    for (const answer of this.answering(request, this) ?? []) this.socket.send(answer, from.port, from.address);
  }

  set(rows: Readonly<Record<string, Cell>>): this {
    for (const [oid, cell] of Object.entries(rows)) this.cells.set(oid, cell);
    return this;
  }

  /** A table: cell(row, column) for all columns below `entry` and rows; undefined = a hole. */
  table(entry: string, columns: readonly number[], rows: readonly string[], cell: (row: string, column: number) => Cell | undefined): this {
    for (const column of columns) {
      for (const row of rows) {
        const value = cell(row, column);
        if (value !== undefined) this.cells.set(`${entry}.${column}.${row}`, value);
      }
    }
    return this;
  }

  next(oid: string): PlainVarbind | undefined {
    if (this.#order.length !== this.cells.size) {
      this.#order = [...this.cells.keys()].sort(byArcs);
      this.#places.clear();
      for (const [place, known] of this.#order.entries()) this.#places.set(known, place + 1);
    }
    const place = this.#places.get(oid) ?? this.#order.findIndex((candidate) => byArcs(candidate, oid) > 0);
    const found = this.#order[place];
    const cell = found === undefined ? undefined : this.cells.get(found);
    return found === undefined || cell === undefined ? undefined : { oid: found, ...cell };
  }

  answer(request: PlainMessage): PlainMessage {
    const varbinds = request.type === 0xa5 ? this.#bulk(request) : request.varbinds.map(({ oid }) => this.#one(request.type, oid));
    const missing = request.version === 0 ? varbinds.findIndex(({ tag }) => tag === 0x81 || tag === 0x82) : -1;
    if (missing >= 0) return { ...request, type: 0xa2, second: 2, third: missing + 1 };
    return this.#fitted({ ...request, type: 0xa2, second: 0, third: 0, varbinds });
  }

  #one(type: number, oid: string): PlainVarbind {
    if (type === 0xa1) return this.next(oid) ?? { oid, ...endOfMibView };
    return { oid, ...(this.cells.get(oid) ?? noSuchInstance) };
  }

  #bulk({ second: nonRepeaters, third: repetitions, varbinds }: PlainMessage): readonly PlainVarbind[] {
    const answers = varbinds.slice(0, nonRepeaters).map(({ oid }) => this.#one(0xa1, oid));
    let names = varbinds.slice(nonRepeaters).map(({ oid }) => oid);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const row = names.map((oid) => this.#one(0xa1, oid));
      answers.push(...row);
      names = row.map(({ oid }) => oid);
    }
    return answers;
  }

  #fitted(message: PlainMessage): PlainMessage {
    let { varbinds } = message;
    while (varbinds.length > 1 && writeMessage({ ...message, varbinds }).length > this.maxBytes) varbinds = varbinds.slice(0, -1);
    return { ...message, varbinds };
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(() => resolve()));
  }
}

export function byArcs(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
