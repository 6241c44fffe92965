import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { EditorConnection, EditorFrame, EditorFrameCodec, EditorPerson, EditorSession, EditorTunnel } from "#ports/editor.ts";
import type { EditorDoor } from "./editor-door.ts";

const maxSessions = 4;
const maxConnectionsPerSession = 24;
const windowBytes = 128 * 1024;
const pieceBytes = 16 * 1024;
const maxFrames = 64;

type Listener = (...args: never[]) => void;

/** A browser at the NOC, as a connection. */
class TunnelConnection implements EditorConnection {
  readonly #listeners = new Map<string, Listener[]>();
  readonly #out: (bytes: Uint8Array) => boolean;
  readonly #onEnd: (type: "end" | "reset") => void;
  readonly #onTaken: (bytes: number) => void;
  #isPaused = true;
  #isOver = false;
  readonly #held: Uint8Array[] = [];
  received = 0;
  sent = 0;

  constructor(wires: { out(bytes: Uint8Array): boolean; ended(type: "end" | "reset"): void; taken(bytes: number): void }) {
    this.#out = (bytes) => wires.out(bytes);
    this.#onEnd = (type) => wires.ended(type);
    this.#onTaken = (bytes) => wires.taken(bytes);
  }

  write(bytes: Uint8Array): boolean {
    return this.#out(bytes);
  }
  end(): void {
    this.#finish("end");
  }
  destroy(): void {
    this.#finish("reset");
  }
  pause(): void {
    this.#isPaused = true;
  }
  resume(): void {
    this.#isPaused = false;
    while (!this.#isPaused && this.#held.length > 0) this.#give(this.#held.shift() ?? new Uint8Array(0));
  }
  on(event: string, listener: Listener): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  arrived(bytes: Uint8Array): void {
    if (this.#isPaused) this.#held.push(bytes);
    else this.#give(bytes);
  }
  emit(event: "drain" | "end" | "close"): void {
    for (const listener of this.#listeners.get(event) ?? []) (listener as () => void)();
  }

  #give(bytes: Uint8Array): void {
    for (const listener of this.#listeners.get("data") ?? []) (listener as (bytes: Uint8Array) => void)(bytes);
    this.#onTaken(bytes.length);
  }

  #finish(type: "end" | "reset"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // What nobody will read any more is given back, or the other end's window would shrink with every broken connection.
    let left = 0;
    for (const bytes of this.#held.splice(0)) left += bytes.length;
    if (left > 0) this.#onTaken(left);
    this.#onEnd(type);
    this.emit("close");
  }
}

interface Session {
  readonly id: string;
  readonly who: EditorPerson;
  readonly untilMs: number;
  readonly connections: Map<number, TunnelConnection>;
  /** Bytes for the NOC: waiting in order, and unacknowledged of those sent. */
  readonly queue: EditorFrame[];
  queuedBytes: number;
  unacknowledged: number;
  /** Bytes of the NOC's held for a paused connection. */
  held: number;
}

export interface TunnelParts {
  readonly clock: Clock;
  readonly door: EditorDoor;
  readonly frames: EditorFrameCodec;
}

/** The gateway's end of the remote editor: frames in, frames out, one window of 128 KiB a session. */
export class Tunnel implements EditorTunnel {
  readonly #parts: TunnelParts;
  readonly #sessions = new Map<string, Session>();
  readonly #listeners = new Set<() => void>();
  dropped = 0;

  constructor(parts: TunnelParts) {
    this.#parts = parts;
  }

  async openSession(
    session: { readonly id: string; readonly who: EditorPerson; readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<EditorSession> {
    if (!/^[a-z0-9-]{8,40}$/.test(session.id))
      throw new GatewayError("command.refused", { message: "a session id is 8 to 40 of a-z, 0-9 and '-'" });
    this.#forgetOld();
    if (this.#sessions.size >= maxSessions)
      throw new GatewayError("command.refused", { message: `more than ${maxSessions} remote editors at once` });
    const opened = await this.#parts.door.open(session.who, signal);
    const untilMs = this.#parts.clock.monotonicMs() + session.ttlMs;
    const { id, who } = session;
    this.#sessions.set(id, { id, who, untilMs, connections: new Map(), queue: [], queuedBytes: 0, unacknowledged: 0, held: 0 });
    return opened;
  }

  closeSession(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    for (const connection of session.connections.values()) connection.destroy();
  }

  receive(bytes: Uint8Array): void {
    const frame = this.#decoded(bytes);
    this.#forgetOld();
    const session = frame === undefined ? undefined : this.#sessions.get(frame.session);
    if (frame === undefined || session === undefined) {
      this.dropped += 1;
      return;
    }
    if (frame.type === "open") this.#opened(session, frame);
    else if (frame.type === "window" && frame.connection === 0) this.#granted(session, frame.credit ?? 0);
    else this.#continued(session, frame);
  }

  next(): Uint8Array | undefined {
    for (const session of this.#sessions.values()) {
      const frame = session.queue[0];
      if (frame === undefined) continue;
      const length = frame.bytes?.length ?? 0;
      if (length > 0 && session.unacknowledged + length > windowBytes) continue;
      session.queue.shift();
      session.unacknowledged += length;
      session.queuedBytes -= length;
      if (length > 0 && session.queuedBytes < windowBytes) for (const connection of session.connections.values()) connection.emit("drain");
      return this.#parts.frames.encode(frame);
    }
    return undefined;
  }

  onReady(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  lineLost(): void {
    for (const session of this.#sessions.values()) {
      for (const connection of [...session.connections.values()]) connection.destroy();
      session.connections.clear();
      session.queue.length = 0;
      session.queuedBytes = 0;
      session.unacknowledged = 0;
      session.held = 0;
    }
  }

  #decoded(bytes: Uint8Array): EditorFrame | undefined {
    try {
      return this.#parts.frames.decode(bytes);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
  }

  #opened(session: Session, frame: EditorFrame): void {
    const number = frame.connection;
    if (session.connections.has(number) || number === 0) return;
    if (session.connections.size >= maxConnectionsPerSession) {
      this.#push(session, { connection: number, sequence: 1, type: "reset" });
      return;
    }
    const connection: TunnelConnection = new TunnelConnection({
      out: (bytes) => this.#out(session, number, connection, bytes),
      ended: (type) => {
        connection.sent += 1;
        this.#push(session, { connection: number, sequence: connection.sent, type });
        session.connections.delete(number);
      },
      taken: (bytes) => {
        session.held -= bytes;
        this.#push(session, { connection: 0, sequence: 0, type: "window", credit: bytes });
      },
    });
    connection.received = frame.sequence;
    session.connections.set(number, connection);
    this.#parts.door.handOver(connection, new Uint8Array(0), session.who);
  }

  #continued(session: Session, frame: EditorFrame): void {
    const connection = session.connections.get(frame.connection);
    const length = frame.bytes?.length ?? 0;
    if (connection === undefined) {
      // It ended while this was on its way: the window is given back, and the other end hears of it.
      if (length > 0) this.#push(session, { connection: 0, sequence: 0, type: "window", credit: length });
      if (frame.type === "data") this.#push(session, { connection: frame.connection, sequence: 1, type: "reset" });
      return;
    }
    if (frame.type === "reset") {
      connection.destroy();
      return;
    }
    // QoS 1 repeats; a hole means that something is lost for good.
    if (frame.sequence <= connection.received) return;
    const isHole = frame.sequence !== connection.received + 1;
    connection.received = frame.sequence;
    if (isHole) connection.destroy();
    else if (frame.type === "end") connection.emit("end");
    else if (frame.bytes !== undefined) {
      session.held += frame.bytes.length;
      if (session.held > 2 * windowBytes) connection.destroy();
      else connection.arrived(frame.bytes);
    }
  }

  #granted(session: Session, credit: number): void {
    session.unacknowledged = Math.max(0, session.unacknowledged - credit);
    this.#tell();
  }

  #out(session: Session, number: number, connection: TunnelConnection, bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = Uint8Array.from(bytes.subarray(at, at + pieceBytes));
      connection.sent += 1;
      session.queuedBytes += piece.length;
      this.#push(session, { connection: number, sequence: connection.sent, type: "data", bytes: piece });
    }
    return session.queuedBytes < windowBytes && session.queue.length < maxFrames;
  }

  #push(session: Session, frame: Omit<EditorFrame, "session">): void {
    session.queue.push({ ...frame, session: session.id });
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #forgetOld(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const { id, untilMs } of [...this.#sessions.values()]) if (nowMs > untilMs) this.closeSession(id);
  }
}
