/** Who edits. The console (or the NOC, for a tunnel) has verified it; the editor believes it. */
export interface EditorPerson {
  /** For audit and the editor's own display: `technician:ana`. At most 128 characters. */
  readonly person: string;
  /** `flows.read`: looks, changes nothing. `flows.write`: own tabs; tabs of the NOC stay locked. */
  readonly scope: "flows.read" | "flows.write";
}

/**
 * A byte stream to a browser: node:net Socket, tls.TLSSocket or any Duplex fits. The editor takes it over entirely: it reads it, ends it and
 * handles its errors; the giver removes its own listeners first and touches it no more.
 */
export interface EditorConnection {
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  destroy(error?: Error): unknown;
  pause(): unknown;
  resume(): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the listener shapes of node's streams differ by event
  on(event: "data" | "drain" | "end" | "close" | "error", listener: (...args: any[]) => void): unknown;
}

export interface EditorSession {
  /** Where the browser goes: `/editor/?access_token=...`. The token opens the editor for this person only and is worth nothing elsewhere. */
  readonly path: string;
  readonly token: string;
  /** Of the token; the session ends at the latest then. */
  readonly expiresInMs: number;
}

export interface EditorState {
  readonly state: "closed" | "starting" | "open" | "unavailable";
  /** Why it is unavailable, or who has it open. */
  readonly reason?: string;
  readonly connections: number;
  readonly people: readonly string[];
  /** Milliseconds since the last byte from a browser; the editor closes itself after its idle time. */
  readonly idleMs?: number;
}

/**
 * The flow editor, on demand. The flow host never listens: whoever serves `/editor/*` (the console) checks sign-in, scope, Host and Origin, asks
 * `open` for a token once, and gives the accepted connections over. Bytes go through the telemetry process with a window of their own, so TLS,
 * plain sockets and a tunnel are the same thing, and a stuck browser costs a bounded buffer.
 *
 * A console does, for each connection whose request is for `/editor`:
 * `editor.handOver(socket, requestHeadAndWhatFollowed, who)`: all later requests of that connection go to the editor, too; requests for other paths on
 * it get 421 Misdirected Request and the connection is closed, so that the browser opens a new one.
 */
export interface Editor {
  state(): EditorState;
  /** Starts the editor if it is closed (flows are not restarted) and makes a token. @throws GatewayError flow.unavailable */
  open(who: EditorPerson, signal: AbortSignal): Promise<EditorSession>;
  /**
   * Takes the connection over. `head`: the bytes read from it so far, request line and headers included. Never throws: what cannot be served
   * is answered 503 and closed. At most 32 connections; beyond it 503.
   */
  handOver(connection: EditorConnection, head: Uint8Array, who: EditorPerson): void;
  /** Ends sessions and connections of one person, or all, and closes the editor when nobody is left. */
  close(person?: string): void;
}

/**
 * The gateway's end of the remote editor (leaves `edq` and `eds`; frames: cloud-bridge/protocol/editor-frames.ts). Whoever owns the uplink feeds
 * it with what came on `edq` and publishes what it returns on `eds`.
 */
export interface EditorTunnel {
  /** A session as ordered by a signed command: until then its frames are refused. @throws GatewayError flow.unavailable */
  openSession(
    session: { readonly id: string; readonly who: EditorPerson; readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<EditorSession>;
  closeSession(id: string): void;
  /** One frame from the NOC. Malformed ones and those of unknown sessions are counted and dropped. Never throws. */
  receive(frame: Uint8Array): void;
  /**
   * The next frame for the NOC, or undefined when there is none right now. The caller asks again after `onReady`. Unacknowledged bytes are bounded by
   * the window of the session (128 KiB), so the editor never starves telemetry.
   */
  next(): Uint8Array | undefined;
  /** Called when `next` may have something. Returns the removal. */
  onReady(listener: () => void): () => void;
  /** The line is gone: connections are closed, sessions stay until their time is over, the browser's unsaved edits are untouched. */
  lineLost(): void;
}

/** One frame of the remote editor, in either direction. A connection is a byte stream between a browser at the NOC and the editor's HTTP server. */
export interface EditorFrame {
  readonly session: string;
  /** Numbered by the NOC. */
  readonly connection: number;
  /** 1, 2, 3 ... per connection and direction: a repetition (QoS 1) is dropped, a hole ends the connection. */
  readonly sequence: number;
  readonly type: "open" | "data" | "end" | "reset" | "window";
  /** `data`: bytes; `window`: none. */
  readonly bytes?: Uint8Array;
  /** `window`: so many bytes were taken and may be sent again. */
  readonly credit?: number;
}

/** The frames' bytes: cloud-bridge/protocol/editor-frames.ts, handed in by the assembly. */
export interface EditorFrameCodec {
  encode(frame: EditorFrame): Uint8Array;
  /** @throws GatewayError codec.malformed | codec.limit */
  decode(bytes: Uint8Array): EditorFrame;
}
