import { GatewayError } from "#model/errors.ts";
import type { EditorFrame } from "#ports/editor.ts";
import { editorFrameCodec, editorTunnelWindowBytes } from "../../protocol/editor-frames.ts";
import { TunnelStream } from "./tunnel-stream.ts";

const pieceBytes = 16 * 1_024;
/** The gateway takes 24 of a session. */
const maxConnections = 20;
const maxResets = 256;

interface Waiting {
  readonly connection: number;
  readonly stream: TunnelStream;
  readonly bytes: Uint8Array;
  readonly done: () => void;
}

/** The NOC's end of one session: streams become frames, at most 128 KiB of them unacknowledged, so that orders and telemetry come through. */
export class TunnelEnd {
  readonly session: string;
  readonly #publish: (frame: Uint8Array) => boolean;
  readonly #streams = new Map<number, TunnelStream>();
  readonly #waiting: Waiting[] = [];
  readonly #resets = new Set<number>();
  #next = 0;
  #unacknowledged = 0;
  #owesWindow = false;
  /** Bytes of frames, each way, since the session began. */
  readonly counters = { sentBytes: 0, receivedBytes: 0 };

  /** @param publish false = there is no line */
  constructor(session: string, publish: (frame: Uint8Array) => boolean) {
    this.session = session;
    this.#publish = publish;
  }

  get connections(): number {
    return this.#streams.size;
  }

  /** @throws GatewayError noc.unreachable */
  connect(): TunnelStream {
    if (this.#streams.size >= maxConnections)
      throw new GatewayError("noc.unreachable", { message: "too many requests to the editor at once" });
    this.#next += 1;
    const connection = this.#next;
    const stream: TunnelStream = new TunnelStream({
      send: (bytes, done) => this.#offer(connection, stream, bytes, done),
      end: () => this.#said(stream, connection, "end"),
      over: () => this.#over(connection),
      taken: (credit) => this.#frame({ connection: 0, sequence: 0, type: "window", credit }),
    });
    this.#streams.set(connection, stream);
    // Whoever uses the stream may have let go of it when the line breaks.
    stream.on("error", () => undefined);
    this.#said(stream, connection, "open");
    if (stream.destroyed) throw new GatewayError("noc.unreachable", { message: "there is no line to the gateway" });
    return stream;
  }

  receive(frame: EditorFrame, bytes: number): void {
    this.counters.receivedBytes += bytes;
    if (frame.type === "window") {
      this.#unacknowledged = Math.max(0, this.#unacknowledged - (frame.credit ?? 0));
      this.#flush();
      return;
    }
    const stream = this.#streams.get(frame.connection);
    const length = frame.bytes?.length ?? 0;
    if (frame.type === "reset") stream?.destroy();
    // QoS 1 repeats: what came before was counted before.
    else if (stream !== undefined && frame.sequence <= stream.received) return;
    else if (stream === undefined || frame.sequence !== stream.received + 1) {
      if (length > 0) this.#frame({ connection: 0, sequence: 0, type: "window", credit: length });
      stream?.destroy(new GatewayError("noc.unreachable", { message: "a piece of the answer was lost" }));
    } else {
      stream.received = frame.sequence;
      if (frame.bytes !== undefined && frame.type === "data") stream.arrived(frame.bytes);
      if (frame.type === "end") stream.ended();
    }
  }

  /** The line was cut, here or there: requests end, the session stays, the browser asks again. */
  lineLost(): void {
    const lost = new GatewayError("noc.unreachable", { message: "the line to the gateway was cut" });
    for (const stream of [...this.#streams.values()]) stream.destroy(lost);
    for (const { done } of this.#waiting.splice(0)) done();
    this.#unacknowledged = 0;
    this.#owesWindow = true;
    this.recover();
  }

  /** Says what could not be said while there was no line. */
  recover(): void {
    // What got lost on its way was never acknowledged: the gateway is given its whole window again.
    if (this.#owesWindow) this.#owesWindow = !this.#frame({ connection: 0, sequence: 0, type: "window", credit: editorTunnelWindowBytes });
    for (const connection of [...this.#resets]) {
      if (!this.#frame({ connection, sequence: 0xffff_ffff, type: "reset" })) return;
      this.#resets.delete(connection);
    }
  }

  close(): void {
    for (const stream of [...this.#streams.values()]) stream.destroy();
  }

  #offer(connection: number, stream: TunnelStream, bytes: Uint8Array, done: () => void): void {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const isLast = at + pieceBytes >= bytes.length;
      const piece = bytes.subarray(at, at + pieceBytes);
      this.#waiting.push({ connection, stream, bytes: piece, done: isLast ? done : () => undefined });
    }
    if (bytes.length === 0) done();
    this.#flush();
  }

  /** Round robin is not needed: a stream waits for its write, so each has at most one here. */
  #flush(): void {
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined || this.#unacknowledged + first.bytes.length > editorTunnelWindowBytes) return;
      this.#waiting.shift();
      if (!this.#streams.has(first.connection)) continue;
      first.stream.sent += 1;
      this.#unacknowledged += first.bytes.length;
      const isSent = this.#frame({ connection: first.connection, sequence: first.stream.sent, type: "data", bytes: first.bytes });
      if (isSent) first.done();
      else first.stream.destroy(new GatewayError("noc.unreachable", { message: "there is no line to the gateway" }));
    }
  }

  #said(stream: TunnelStream, connection: number, type: "open" | "end"): void {
    const isOpen = type === "open";
    if (!isOpen && !this.#streams.has(connection)) return;
    if (!isOpen) stream.sent += 1;
    const isSent = this.#frame({ connection, sequence: stream.sent, type });
    if (!isSent) stream.destroy(new GatewayError("noc.unreachable", { message: "there is no line to the gateway" }));
  }

  #over(connection: number): void {
    if (!this.#streams.delete(connection)) return;
    if (this.#resets.size < maxResets) this.#resets.add(connection);
    this.recover();
  }

  #frame(frame: Omit<EditorFrame, "session">): boolean {
    const bytes = editorFrameCodec.encode({ ...frame, session: this.session });
    this.counters.sentBytes += bytes.length;
    return this.#publish(bytes);
  }
}
