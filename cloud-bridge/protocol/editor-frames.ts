import { deflateRawSync, inflateRawSync } from "node:zlib";
import { GatewayError } from "#model/errors.ts";
import type { EditorFrame, EditorFrameCodec } from "#ports/editor.ts";

/**
 * Frames of the remote editor on `edq` (NOC to gateway) and `eds` (gateway to NOC):
 *
 *     byte 0      version, 1
 *     byte 1      type: 1 open, 2 data, 3 end, 4 reset, 5 window
 *     byte 2      flags: bit 0 = payload is raw DEFLATE (RFC 1951)
 *     byte 3      length of the session id
 *     ...         session id, [a-z0-9-]{8,40}
 *     4 bytes     connection, big-endian, numbered by the NOC from 1
 *     4 bytes     sequence, big-endian, 1, 2, 3 ... per connection and direction
 *     ...         payload: data = bytes; window = 4 bytes, credit; others = empty
 *
 * A connection carries raw HTTP/1.1 and WebSocket bytes between the NOC's proxy and the editor's server: the NOC opens it, writes the request as a
 * browser would (path `/editor/...`, `Authorization: Bearer TOKEN` of the session), reads the answer. Static assets (`/editor/red/*`, `/editor/vendor/*`,
 * `/editor/types/*`) are the same for each Node-RED version: the NOC serves them itself. Both ends hold at most `editorTunnelWindowBytes` of data
 * unacknowledged per session and give credit back as it is taken.
 */
export const editorTunnelWindowBytes = 128 * 1024;
export const maxEditorFrameBytes = 48 * 1024;
/** Largest piece of a connection in one frame, before compression. */
export const maxEditorDataBytes = 32 * 1024;

const version = 1;
const types = ["open", "data", "end", "reset", "window"] as const;
const sessionPattern = /^[a-z0-9-]{8,40}$/;
const deflateFrom = 512;
const utf8 = new TextEncoder();

function encode(frame: EditorFrame): Uint8Array {
  const session = utf8.encode(frame.session);
  const plain = frame.type === "window" ? creditBytes(frame.credit ?? 0) : (frame.bytes ?? new Uint8Array(0));
  if (plain.length > maxEditorDataBytes)
    throw new GatewayError("codec.limit", { message: `more than ${maxEditorDataBytes} bytes in one editor frame` });
  const packed = plain.length >= deflateFrom ? deflateRawSync(plain, { level: 5 }) : undefined;
  const isPacked = packed !== undefined && packed.length < plain.length;
  const payload = isPacked ? packed : plain;
  const bytes = new Uint8Array(4 + session.length + 8 + payload.length);
  bytes.set([version, types.indexOf(frame.type) + 1, isPacked ? 1 : 0, session.length]);
  bytes.set(session, 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(4 + session.length, frame.connection);
  view.setUint32(8 + session.length, frame.sequence);
  bytes.set(payload, 12 + session.length);
  return bytes;
}

function creditBytes(credit: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, credit);
  return bytes;
}

function malformed(what: string): GatewayError {
  return new GatewayError("codec.malformed", { message: `editor frame: ${what}` });
}

function decode(bytes: Uint8Array): EditorFrame {
  if (bytes.length > maxEditorFrameBytes) throw new GatewayError("codec.limit", { message: "editor frame: too long" });
  const [given, kind = 0, flags = 0, length = 0] = bytes;
  if (given !== version) throw malformed("unknown version");
  const type = types[kind - 1];
  if (type === undefined) throw malformed("unknown type");
  if (bytes.length < 12 + length) throw malformed("cut off");
  const session = new TextDecoder().decode(bytes.subarray(4, 4 + length));
  if (!sessionPattern.test(session)) throw malformed("session id");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const connection = view.getUint32(4 + length);
  const sequence = view.getUint32(8 + length);
  const payload = inflated(bytes.subarray(12 + length), (flags & 1) === 1);
  const head = { session, connection, sequence, type };
  if (type === "data") return { ...head, bytes: payload };
  if (type !== "window") return head;
  if (payload.length !== 4) throw malformed("credit");
  return { ...head, credit: new DataView(payload.buffer, payload.byteOffset).getUint32(0) };
}

function inflated(payload: Uint8Array, isPacked: boolean): Uint8Array {
  if (!isPacked) return payload;
  try {
    return new Uint8Array(inflateRawSync(payload, { maxOutputLength: maxEditorDataBytes }));
  } catch (error) {
    // A border: whatever zlib says, the frame is no good.
    throw new GatewayError("codec.malformed", { message: "editor frame: payload does not inflate", cause: error });
  }
}

export const editorFrameCodec: EditorFrameCodec = { encode, decode };
