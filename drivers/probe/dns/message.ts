import { failed } from "../failure.ts";

/** Types of records by name (RFC 1035, 2782, 3596). */
export const recordTypes = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 } as const;
export type RecordType = keyof typeof recordTypes;
const rcodes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"] as const;

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly ttlS: number;
  /** As people write it: an address, a name, `10 mail.example.net`, text. */
  readonly value: string;
}

export interface DnsAnswer {
  readonly rcode: string;
  readonly truncated: boolean;
  readonly authoritative: boolean;
  readonly records: readonly DnsRecord[];
}

const classInternet = 1;
const headerBytes = 12;
const maxRecords = 256;
const maxNameLabels = 128;
const maxPointers = 32;

/** @returns undefined when the name cannot be asked for */
export function encodeQuery(id: number, name: string, type: RecordType, recursive: boolean): Buffer | undefined {
  const labels = name.replace(/\.$/, "").split(".");
  const parts = name === "." ? [] : labels.map((label) => Buffer.from(label, "latin1"));
  if (parts.some((part) => part.length === 0 || part.length > 63) || parts.reduce((sum, part) => sum + part.length + 1, 1) > 255)
    return undefined;
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(recursive ? 0x0100 : 0, 2);
  header.writeUInt16BE(1, 4);
  const question = Buffer.alloc(4);
  question.writeUInt16BE(recordTypes[type], 0);
  question.writeUInt16BE(classInternet, 2);
  return Buffer.concat([header, ...parts.flatMap((part) => [Buffer.of(part.length), part]), Buffer.of(0), question]);
}

/** Whether bytes are an answer to this query: id, question and direction. Anything else is somebody else's or forged. */
export function answersQuery(message: Buffer, query: Buffer): boolean {
  if (message.length < headerBytes || message.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0 || (flags & 0x7800) !== 0) return false;
  // Some servers leave the question out when they refuse; then the id has to do.
  if (message.readUInt16BE(4) === 0) return (flags & 0x000f) !== 0;
  return (
    message.readUInt16BE(4) === 1 &&
    message.subarray(headerBytes, query.length).toString("latin1").toLowerCase() ===
      query.subarray(headerBytes).toString("latin1").toLowerCase()
  );
}

/** Reads an answer that `answersQuery`. Every loop is bounded. @throws failed: answer, bad-answer */
export function decodeAnswer(message: Buffer, query: Buffer): DnsAnswer {
  const reader = new Reader(message);
  const flags = message.readUInt16BE(2);
  const records: DnsRecord[] = [];
  const count = message.readUInt16BE(6);
  if (count > maxRecords) throw garbled(`${count} records`);
  reader.position = message.readUInt16BE(4) === 0 ? headerBytes : query.length;
  for (let index = 0; index < count; index++) {
    // A truncated message may end in the middle of its records; TCP has the rest.
    if ((flags & 0x0200) !== 0 && reader.position >= message.length) break;
    records.push(reader.record());
  }
  const code = flags & 0x000f;
  return { rcode: rcodes[code] ?? `RCODE${code}`, truncated: (flags & 0x0200) !== 0, authoritative: (flags & 0x0400) !== 0, records };
}

function garbled(what: string): Error {
  return failed("answer", "bad-answer", `the name server's answer is garbled (${what})`);
}

class Reader {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  record(): DnsRecord {
    const name = this.#name();
    const head = this.#take(10);
    const type = head.readUInt16BE(0);
    const end = this.position + head.readUInt16BE(8);
    if (end > this.#bytes.length) throw garbled("a record ends behind the message");
    const value = this.#value(type, end);
    this.position = end;
    return { name, type, ttlS: head.readUInt32BE(4), value };
  }

  #take(length: number): Buffer {
    if (this.position + length > this.#bytes.length) throw garbled("it ends too early");
    this.position += length;
    return this.#bytes.subarray(this.position - length, this.position);
  }

  /** Labels and pointers backwards (RFC 1035 4.1.4); circles end at a bound. */
  #name(): string {
    const labels: string[] = [];
    let at = this.position;
    let behind: number | undefined;
    for (let pointers = 0; labels.length < maxNameLabels; ) {
      const length = this.#bytes[at];
      if (length === undefined) throw garbled("a name ends behind the message");
      if (length === 0) {
        this.position = behind ?? at + 1;
        return labels.join(".");
      }
      if (length >= 0xc0) {
        pointers += 1;
        const low = this.#bytes[at + 1];
        if (low === undefined || pointers > maxPointers) throw garbled("a name runs in a circle");
        behind ??= at + 2;
        at = ((length & 0x3f) << 8) | low;
      } else if (length > 63) throw garbled("a label of unknown kind");
      else {
        labels.push(printableLabel(this.#bytes.subarray(at + 1, at + 1 + length)));
        at += 1 + length;
      }
    }
    throw garbled("a name is too long");
  }

  #value(type: number, end: number): string {
    switch (type) {
      case recordTypes.A:
        return [...this.#take(4)].join(".");
      case recordTypes.AAAA:
        return ipv6Text(this.#take(16));
      case recordTypes.NS:
      case recordTypes.CNAME:
      case recordTypes.PTR:
        return this.#name();
      case recordTypes.MX:
        return `${this.#take(2).readUInt16BE(0)} ${this.#name()}`;
      case recordTypes.SRV: {
        const head = this.#take(6);
        return `${head.readUInt16BE(0)} ${head.readUInt16BE(2)} ${head.readUInt16BE(4)} ${this.#name()}`;
      }
      case recordTypes.SOA:
        return `${this.#name()} ${this.#name()} ${this.#take(4).readUInt32BE(0)}`;
      case recordTypes.TXT:
        return this.#texts(end);
      default:
        return this.#bytes.subarray(this.position, Math.min(end, this.position + 32)).toString("hex");
    }
  }

  #texts(end: number): string {
    let text = "";
    while (this.position < end) text += printableLabel(this.#take(this.#take(1)[0] ?? 0));
    return text;
  }
}

function printableLabel(bytes: Buffer): string {
  return bytes.toString("latin1").replaceAll(/[^\x20-\x7e]/g, "?");
}

/** RFC 5952: lower case, the longest run of zeros left out. */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16));
  const runs = [...groups.join(":").matchAll(/(^|:)0(:0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const [run] = runs;
  const text = groups.join(":");
  if (run === undefined) return text;
  const before = text.slice(0, run.index);
  return `${before}::${text.slice(run.index + run[0].length).replace(/^:/, "")}`;
}
