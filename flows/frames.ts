/** Frames on the pipe between the telemetry process and the flow host: length (4 bytes, big-endian), kind, payload. */

/** `message`: UTF-8 JSON. `editor`: connection number (4 bytes) and bytes of an editor connection. */
export type Frame =
  | { readonly kind: "message"; readonly text: string }
  | { readonly kind: "editor"; readonly connection: number; readonly bytes: Uint8Array };

/** A deploy of everything is the largest message; a peer that announces more is cut off. */
export const maxFrameBytes = 8 * 1024 * 1024;
const headerBytes = 5;
const utf8 = new TextEncoder();
const text = new TextDecoder();

export function messageFrame(json: string): Uint8Array {
  const body = utf8.encode(json);
  return framed(0, [body], body.length);
}

export function editorFrame(connection: number, bytes: Uint8Array): Uint8Array {
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, connection);
  return framed(1, [number, bytes], 4 + bytes.length);
}

function framed(kind: number, parts: readonly Uint8Array[], length: number): Uint8Array {
  const frame = new Uint8Array(headerBytes + length);
  new DataView(frame.buffer).setUint32(0, length + 1);
  frame[4] = kind;
  let offset = headerBytes;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame;
}

/** Cuts a byte stream into frames. Holds at most one frame; what breaks the rules ends the stream for good. */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  #parts: Uint8Array[] = [];
  #held = 0;
  #broken = false;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** @returns false once the peer broke the framing: drop it */
  push(bytes: Uint8Array): boolean {
    if (this.#broken) return false;
    this.#parts.push(bytes);
    this.#held += bytes.length;
    while (this.#held >= headerBytes) {
      const length = this.#announced();
      if (length < 1 || length > maxFrameBytes) {
        this.#broken = true;
        this.#parts = [];
        return false;
      }
      if (this.#held < 4 + length) break;
      this.#emit(this.#take(4 + length));
    }
    return true;
  }

  #announced(): number {
    const first = this.#parts[0];
    if (first === undefined || first.length < headerBytes) this.#parts = [this.#take(this.#held)];
    this.#held = this.#parts.reduce((sum, part) => sum + part.length, 0);
    const whole = this.#parts[0];
    return whole === undefined ? 0 : new DataView(whole.buffer, whole.byteOffset).getUint32(0);
  }

  #take(count: number): Uint8Array {
    const first = this.#parts[0];
    this.#held -= count;
    if (first !== undefined && first.length >= count) {
      if (first.length === count) this.#parts.shift();
      else this.#parts[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const taken = new Uint8Array(count);
    let offset = 0;
    while (offset < count) {
      const part = this.#parts.shift() ?? new Uint8Array(0);
      const piece = part.subarray(0, count - offset);
      taken.set(piece, offset);
      offset += piece.length;
      if (piece.length < part.length) this.#parts.unshift(part.subarray(piece.length));
    }
    return taken;
  }

  #emit(frame: Uint8Array): void {
    const payload = frame.subarray(headerBytes);
    if (frame[4] === 0) this.#onFrame({ kind: "message", text: text.decode(payload) });
    else if (frame[4] === 1 && payload.length >= 4)
      this.#onFrame({
        kind: "editor",
        connection: new DataView(payload.buffer, payload.byteOffset).getUint32(0),
        bytes: payload.subarray(4),
      });
  }
}
