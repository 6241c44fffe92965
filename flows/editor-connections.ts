import type { EditorConnection } from "#ports/editor.ts";
import type { HostLink } from "./host-link.ts";
import { editorWindowBytes } from "./protocol.ts";

const maxConnections = 32;
const pieceBytes = 32 * 1024;
const busy = new TextEncoder().encode("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");

interface Open {
  readonly connection: EditorConnection;
  readonly person: string;
  /** Sent to the child and not yet taken by it. */
  unacknowledged: number;
  /** Taken from the child, not yet by the browser. */
  owed: number;
  isEnded: boolean;
}

/** Connections of browsers, carried over the pipe to the flow host: in each direction at most one window of bytes is on its way. */
export class EditorConnections {
  readonly #link: () => HostLink | undefined;
  readonly #onBytes: () => void;
  readonly #open = new Map<number, Open>();
  #next = 0;

  /** @param onBytes called when a browser sends something: the editor is not idle */
  constructor(link: () => HostLink | undefined, onBytes: () => void) {
    this.#link = link;
    this.#onBytes = onBytes;
  }

  get count(): number {
    return this.#open.size;
  }

  people(): readonly string[] {
    return [...new Set([...this.#open.values()].map(({ person }) => person))];
  }

  /** Never throws; beyond the bound, or without a flow host, it answers 503. */
  add(connection: EditorConnection, head: Uint8Array, person: string): void {
    // The browser may go at any time: that is told by close.
    connection.on("error", () => connection.destroy());
    const link = this.#link();
    if (link === undefined || this.#open.size >= maxConnections) {
      connection.write(busy);
      connection.end();
      return;
    }
    this.#next += 1;
    const number = this.#next;
    const open: Open = { connection, person, unacknowledged: 0, owed: 0, isEnded: false };
    this.#open.set(number, open);
    link.send({ t: "connection", connection: number, event: "open", write: true });
    this.#toHost(number, open, head);
    connection.on("data", (bytes: Uint8Array) => this.#toHost(number, open, bytes));
    connection.on("end", () => this.#link()?.send({ t: "connection", connection: number, event: "end", write: true }));
    connection.on("drain", () => this.#repay(number, open));
    connection.on("close", () => {
      if (this.#open.delete(number)) this.#link()?.send({ t: "connection", connection: number, event: "destroy", write: true });
    });
    connection.resume();
  }

  fromHost(number: number, bytes: Uint8Array): void {
    const open = this.#open.get(number);
    if (open === undefined) return;
    open.owed += bytes.length;
    // More than its window: the child does not keep to the rules.
    if (open.owed > 2 * editorWindowBytes) this.#drop(number, open);
    else if (open.connection.write(bytes)) this.#repay(number, open);
  }

  event(number: number, event: "end" | "destroy"): void {
    const open = this.#open.get(number);
    if (open === undefined) return;
    if (event === "end") {
      open.isEnded = true;
      open.connection.end();
    } else {
      this.#open.delete(number);
      if (open.isEnded) open.connection.end();
      else open.connection.destroy();
    }
  }

  taken(number: number, bytes: number): void {
    const open = this.#open.get(number);
    if (open === undefined) return;
    open.unacknowledged = Math.max(0, open.unacknowledged - bytes);
    if (open.unacknowledged < editorWindowBytes) open.connection.resume();
  }

  close(person?: string): void {
    for (const [number, open] of this.#open) if (person === undefined || open.person === person) this.#drop(number, open);
  }

  #drop(number: number, open: Open): void {
    this.#open.delete(number);
    this.#link()?.send({ t: "connection", connection: number, event: "destroy", write: true });
    open.connection.destroy();
  }

  #toHost(number: number, open: Open, bytes: Uint8Array): void {
    if (bytes.length === 0 || !this.#open.has(number)) return;
    this.#onBytes();
    open.unacknowledged += bytes.length;
    for (let at = 0; at < bytes.length; at += pieceBytes) this.#link()?.sendEditor(number, bytes.subarray(at, at + pieceBytes));
    if (open.unacknowledged >= editorWindowBytes) open.connection.pause();
  }

  #repay(number: number, open: Open): void {
    if (open.owed === 0) return;
    this.#link()?.send({ t: "window", connection: number, bytes: open.owed });
    open.owed = 0;
  }
}
