import { element, expectElement, headerBytes, integerValue, tags } from "./ber.ts";
import { patchId } from "./request.ts";

/** msgFlags (RFC 3412 6.4). */
export const flag = { auth: 1, priv: 2, reportable: 4 } as const;

/** Security parameters of the message read last (RFC 3414 2.4); overwritten by each `readUsm`. */
export const usm = {
  engineStart: 0,
  engineEnd: 0,
  boots: 0,
  timeS: 0,
  userStart: 0,
  userEnd: 0,
  authStart: 0,
  authEnd: 0,
  privStart: 0,
  privEnd: 0,
};

export function readUsm(bytes: Uint8Array, start: number, end: number): boolean {
  if (!expectElement(tags.sequence, bytes, start, end) || element.end !== end) return false;
  if (!expectElement(tags.octetString, bytes, element.start, end)) return false;
  usm.engineStart = element.start;
  usm.engineEnd = element.end;
  if (element.end - element.start > 32 || !expectElement(tags.integer, bytes, element.end, end)) return false;
  usm.boots = integerValue(bytes, element.start, element.end);
  if (!expectElement(tags.integer, bytes, element.end, end)) return false;
  usm.timeS = integerValue(bytes, element.start, element.end);
  if (!expectElement(tags.octetString, bytes, element.end, end)) return false;
  usm.userStart = element.start;
  usm.userEnd = element.end;
  if (!expectElement(tags.octetString, bytes, element.end, end)) return false;
  usm.authStart = element.start;
  usm.authEnd = element.end;
  if (!expectElement(tags.octetString, bytes, element.end, end) || element.end !== end) return false;
  usm.privStart = element.start;
  usm.privEnd = element.end;
  return usm.boots >= 0 && usm.timeS >= 0;
}

export interface MessageParts {
  readonly messageId: number;
  readonly maxMessageBytes: number;
  readonly flags: number;
  readonly engineId: Uint8Array;
  readonly boots: number;
  readonly timeS: number;
  readonly user: Uint8Array;
  readonly authBytes: number;
  readonly privBytes: number;
}

/** Where the parts that are filled in afterwards stand in the message written last. */
export const written = { authAt: 0, privAt: 0, dataAt: 0 };

/**
 * Writes a v3 message around `data` (a scoped PDU, or its ciphertext when the priv flag is set). The digest is left zero and the privacy parameters
 * are to be set; their places are in `written`. Every field is minimal BER.
 */
export function writeMessage(parts: MessageParts, data: Uint8Array): Buffer {
  const isPrivate = (parts.flags & flag.priv) !== 0;
  const sizeBytes = integerBytes(parts.maxMessageBytes);
  const bootsBytes = integerBytes(parts.boots);
  const timeBytes = integerBytes(parts.timeS);
  const globalBytes = 6 + 2 + sizeBytes + 3 + 3;
  const engineAndUser = 2 + parts.engineId.length + 2 + bootsBytes + 2 + timeBytes + 2 + parts.user.length;
  const usmBytes = engineAndUser + 2 + parts.authBytes + 2 + parts.privBytes;
  const usmElement = headerBytes(usmBytes) + usmBytes;
  const dataBytes = isPrivate ? headerBytes(data.length) + data.length : data.length;
  const content = 3 + 2 + globalBytes + headerBytes(usmElement) + usmElement + dataBytes;
  const message = Buffer.allocUnsafe(headerBytes(content) + content);
  let at = writeHeader(message, 0, tags.sequence, content);
  at = writeInteger(message, at, 3, 1);
  at = writeHeader(message, at, tags.sequence, globalBytes);
  at = writeHeader(message, at, tags.integer, 4);
  patchId(message, at, parts.messageId);
  at = writeInteger(message, at + 4, parts.maxMessageBytes, sizeBytes);
  at = writeHeader(message, at, tags.octetString, 1);
  message[at] = parts.flags;
  at = writeInteger(message, at + 1, 3, 1);
  at = writeHeader(message, at, tags.octetString, usmElement);
  at = writeHeader(message, at, tags.sequence, usmBytes);
  at = writeBytes(message, at, parts.engineId);
  at = writeInteger(message, at, parts.boots, bootsBytes);
  at = writeInteger(message, at, parts.timeS, timeBytes);
  at = writeBytes(message, at, parts.user);
  written.authAt = writeHeader(message, at, tags.octetString, parts.authBytes);
  written.privAt = writeHeader(message, written.authAt + parts.authBytes, tags.octetString, parts.privBytes);
  message.fill(0, written.authAt, written.authAt + parts.authBytes);
  at = written.privAt + parts.privBytes;
  if (isPrivate) at = writeHeader(message, at, tags.octetString, data.length);
  written.dataAt = at;
  message.set(data, at);
  return message;
}

function integerBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x8000 ? 2 : value < 0x80_0000 ? 3 : 4;
}

function writeHeader(message: Buffer, at: number, tag: number, length: number): number {
  message[at] = tag;
  if (length < 0x80) {
    message[at + 1] = length;
    return at + 2;
  }
  const lengthBytes = length < 0x100 ? 1 : 2;
  message[at + 1] = 0x80 | lengthBytes;
  message.writeUIntBE(length, at + 2, lengthBytes);
  return at + 2 + lengthBytes;
}

function writeInteger(message: Buffer, at: number, value: number, bytes: number): number {
  const from = writeHeader(message, at, tags.integer, bytes);
  for (let index = 0; index < bytes; index++) message[from + index] = (value >>> (8 * (bytes - 1 - index))) & 0xff;
  return from + bytes;
}

function writeBytes(message: Buffer, at: number, bytes: Uint8Array): number {
  const from = writeHeader(message, at, tags.octetString, bytes.length);
  message.set(bytes, from);
  return from + bytes.length;
}
