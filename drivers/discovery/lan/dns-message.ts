import { GatewayError } from "#model/errors.ts";

export const dnsTypes = { a: 1, ptr: 12, txt: 16, srv: 33 } as const;

export interface DnsRecord {
  /** Lower case, without the last dot. */
  readonly name: string;
  readonly type: number;
  /** PTR and SRV: a name as it was written; A: dotted; TXT: strings; undefined for all else. */
  readonly value: string | readonly string[] | undefined;
}

const headerBytes = 12;
const maxMessageBytes = 9_000;
const maxRecords = 128;
const maxNameBytes = 255;
/** A name may jump; each jump must go backwards, so that no message can hold a reader for long. */
const maxJumps = 16;

/** Records of all sections of a DNS message (RFC 1035). @throws GatewayError driver.bad-answer */
export function decodeDns(bytes: Uint8Array): { readonly isAnswer: boolean; readonly records: readonly DnsRecord[] } {
  if (bytes.length < headerBytes || bytes.length > maxMessageBytes) throw malformed("length");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isAnswer = (view.getUint16(2) & 0x8000) !== 0;
  const questions = view.getUint16(4);
  const count = Math.min(maxRecords, view.getUint16(6) + view.getUint16(8) + view.getUint16(10));
  if (questions > maxRecords) throw malformed("questions");
  let offset = headerBytes;
  for (let index = 0; index < questions; index++) offset = readName(bytes, offset).next + 4;
  const records: DnsRecord[] = [];
  for (let index = 0; index < count; index++) {
    const { name, next } = readName(bytes, offset);
    if (next + 10 > bytes.length) throw malformed("record");
    const type = view.getUint16(next);
    const length = view.getUint16(next + 8);
    const start = next + 10;
    offset = start + length;
    if (offset > bytes.length) throw malformed("record length");
    records.push({ name: name.toLowerCase(), type, value: recordValue(bytes, type, start, offset) });
  }
  return { isAnswer, records };
}

function recordValue(bytes: Uint8Array, type: number, start: number, end: number): DnsRecord["value"] {
  if (type === dnsTypes.a) return end - start === 4 ? bytes.subarray(start, end).join(".") : undefined;
  if (type === dnsTypes.ptr) return readName(bytes, start).name;
  if (type === dnsTypes.srv) return end - start > 6 ? readName(bytes, start + 6).name : undefined;
  if (type !== dnsTypes.txt) return undefined;
  const strings: string[] = [];
  for (let at = start; at < end; ) {
    const length = bytes[at] ?? 0;
    if (at + 1 + length > end) throw malformed("text");
    if (length > 0 && strings.length < 64) strings.push(new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return strings;
}

function readName(bytes: Uint8Array, offset: number): { readonly name: string; readonly next: number } {
  const labels: string[] = [];
  let at = offset;
  let next: number | undefined;
  let length = 0;
  let jumps = 0;
  for (;;) {
    const size = bytes[at];
    if (size === undefined) throw malformed("name");
    if (size === 0) return { name: labels.join("."), next: next ?? at + 1 };
    if ((size & 0xc0) === 0xc0) {
      const target = ((size & 0x3f) << 8) | (bytes[at + 1] ?? 0);
      if (target >= at || ++jumps > maxJumps) throw malformed("name pointer");
      next ??= at + 2;
      at = target;
      continue;
    }
    length += size + 1;
    if (size > 63 || at + 1 + size > bytes.length || length > maxNameBytes) throw malformed("name");
    labels.push(new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + size)));
    at += size + 1;
  }
}

/** One query with several PTR questions (RFC 6762 5.3). */
export function encodePtrQuestions(names: readonly string[]): Uint8Array {
  const parts: number[] = [0, 0, 0, 0, 0, names.length, 0, 0, 0, 0, 0, 0];
  for (const name of names) {
    for (const label of name.split(".")) {
      const text = new TextEncoder().encode(label);
      parts.push(text.length, ...text);
    }
    parts.push(0, 0, dnsTypes.ptr, 0, 1);
  }
  return Uint8Array.from(parts);
}

function malformed(what: string): GatewayError {
  return new GatewayError("driver.bad-answer", { message: `malformed DNS message: ${what}` });
}
