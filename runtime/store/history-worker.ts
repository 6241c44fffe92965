import type { Clock } from "#ports/clock.ts";
import type { HistorySeries } from "#ports/history.ts";
import type { HistoryBackend } from "./history-backend.ts";
import type { HistoryAnswer, HistoryQuery } from "./history-query.ts";
import { type PackedError, packError, unpackError } from "./worker-messages.ts";

type Call =
  | { readonly op: "series"; readonly args: { readonly equipment: string | undefined } }
  | { readonly op: "read"; readonly args: { readonly query: HistoryQuery } }
  | { readonly op: "bytes" | "close"; readonly args: Record<string, never> };

export type ToHistory =
  | ({ readonly kind: "call"; readonly id: number } & Call)
  | { readonly kind: "table"; readonly table: number; readonly series: readonly HistorySeries[] }
  | { readonly kind: "rows"; readonly rows: PackedRows }
  | { readonly kind: "drop"; readonly table: number };

/** Rows one after the other: table, time, number of values, values. One block is cheaper to hand over than many. */
export type PackedRows = Float64Array<ArrayBuffer>;

export interface FromHistory {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: PackedError;
}

/** A message port as both ends of the history see it. */
export interface HistoryPort<Out, In> {
  postMessage(message: Out): void;
  on(event: "message", listener: (message: In) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  close(): void;
}

/** Serves a history to another thread until `close` is called. @returns takes one message, for those that wait when the thread ends */
export function serveHistory(port: HistoryPort<FromHistory, ToHistory>, backend: HistoryBackend): (message: ToHistory) => void {
  const take = (message: ToHistory): void => {
    if (message.kind === "rows") eachRow(message.rows, (table, atMs, values) => backend.row(table, atMs, values));
    else if (message.kind === "table") backend.openTable(message.table, message.series);
    else if (message.kind === "drop") backend.closeTable(message.table);
    else void answer(port, backend, message);
  };
  port.on("message", take);
  return take;
}

/** Rows on their way, as they are sent: an object a row, packed afterwards, costs several times as much. */
class RowPack {
  #numbers = new Float64Array(1_024);
  #length = 0;
  count = 0;

  add(table: number, atMs: number, values: Float64Array): void {
    const at = this.#length;
    const end = at + 3 + values.length;
    if (end > this.#numbers.length) {
      const larger = new Float64Array(Math.max(end, this.#numbers.length * 2));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    const numbers = this.#numbers;
    numbers[at] = table;
    numbers[at + 1] = atMs;
    numbers[at + 2] = values.length;
    for (let index = 0; index < values.length; index++) numbers[at + 3 + index] = values[index] ?? Number.NaN;
    this.#length = end;
    this.count += 1;
  }

  /** All of them; then there are none. */
  take(): PackedRows {
    const taken = this.#numbers.slice(0, this.#length);
    this.clear();
    return taken;
  }

  clear(): void {
    this.#length = 0;
    this.count = 0;
  }
}

function eachRow(rows: PackedRows, take: (table: number, atMs: number, values: Float64Array) => void): void {
  for (let at = 0; at + 3 <= rows.length; ) {
    const end = at + 3 + (rows[at + 2] ?? 0);
    take(rows[at] ?? 0, rows[at + 1] ?? 0, rows.subarray(at + 3, end));
    at = end;
  }
}

async function answer(
  port: HistoryPort<FromHistory, ToHistory>,
  backend: HistoryBackend,
  call: Extract<ToHistory, { kind: "call" }>,
): Promise<void> {
  try {
    port.postMessage({ id: call.id, value: await perform(backend, call) });
  } catch (error) {
    port.postMessage({ id: call.id, error: packError(error) });
  }
  if (call.op === "close") port.close();
}

function perform(backend: HistoryBackend, call: Call): Promise<unknown> {
  if (call.op === "series") return backend.series(call.args.equipment);
  if (call.op === "read") return backend.read(call.args.query);
  return call.op === "bytes" ? backend.bytes() : backend.close();
}

/** Rows gather for this long, or until there are so many. */
const gatherMs = 250;
const gatherRows = 256;

/** Rows that may be on their way; a worker that is stuck costs the site's plots, never the gateway's memory. */
const maxUnanswered = 20_000;

/** The history in the store's thread, seen from the main one. */
export class RemoteHistory implements HistoryBackend {
  readonly #port: HistoryPort<ToHistory, FromHistory>;
  readonly #calls = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (reason: unknown) => void }>();
  #nextCall = 1;
  #rowsSincePulse = 0;
  #pulsing = false;
  #closed = false;
  readonly #gathered = new RowPack();
  readonly #clock: Clock | undefined;
  readonly #ended = new AbortController();

  /** @param clock absent: rows do not gather */
  constructor(port: HistoryPort<ToHistory, FromHistory>, clock?: Clock) {
    this.#port = port;
    this.#clock = clock;
    port.on("message", ({ id, value, error }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(value);
      else call?.reject(unpackError(error));
    });
    port.on("close", () => this.#end());
  }

  openTable(table: number, series: readonly HistorySeries[]): void {
    this.#post({ kind: "table", table, series });
  }

  row(table: number, atMs: number, values: Float64Array): void {
    if (this.#rowsSincePulse >= maxUnanswered) return;
    this.#rowsSincePulse += 1;
    if (!this.#closed) this.#gather(table, atMs, values);
    if (this.#rowsSincePulse >= maxUnanswered / 4) this.#pulse();
  }

  closeTable(table: number): void {
    this.#post({ kind: "drop", table });
  }

  async series(equipment: string | undefined): Promise<readonly HistorySeries[]> {
    return (await this.#call({ op: "series", args: { equipment } })) as readonly HistorySeries[];
  }

  async read(query: HistoryQuery): Promise<HistoryAnswer> {
    return (await this.#call({ op: "read", args: { query } })) as HistoryAnswer;
  }

  async bytes(): Promise<number> {
    return (await this.#call({ op: "bytes", args: {} })) as number;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const closing = this.#call({ op: "close", args: {} });
    this.#closed = true;
    await closing;
  }

  /** Asks for any answer: what was sent before it has then been taken. */
  #pulse(): void {
    if (this.#pulsing) return;
    this.#pulsing = true;
    const sent = this.#rowsSincePulse;
    this.bytes().then(
      () => {
        this.#rowsSincePulse -= sent;
        this.#pulsing = false;
      },
      () => undefined, // Closed: nothing more is sent anyway.
    );
  }

  #gather(table: number, atMs: number, values: Float64Array): void {
    this.#gathered.add(table, atMs, values);
    if (this.#clock === undefined || this.#gathered.count >= gatherRows) this.#flush();
    // Rejects only when the history ended, and its end has flushed already.
    else if (this.#gathered.count === 1)
      this.#clock.sleep(gatherMs, this.#ended.signal).then(
        () => this.#flush(),
        () => undefined,
      );
  }

  #flush(): void {
    if (this.#gathered.count === 0) return;
    this.#port.postMessage({ kind: "rows", rows: this.#gathered.take() });
  }

  /** In order with the rows so far. */
  #post(message: ToHistory): void {
    if (this.#closed) return;
    this.#flush();
    this.#port.postMessage(message);
  }

  #call(call: Call): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error("the history is closed"));
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#post({ kind: "call", id, ...call });
    });
  }

  #end(): void {
    this.#closed = true;
    this.#gathered.clear();
    this.#ended.abort(new Error("the history is closed"));
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(new Error("the history is closed"));
  }
}
