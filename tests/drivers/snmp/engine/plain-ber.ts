// BER by the book, for tests: shares no line with the engine's codec and makes no attempt to be fast. Throws on anything that is not well-formed.

export interface Node {
  readonly tag: number;
  readonly content: Uint8Array;
}

export function readNode(bytes: Uint8Array): { readonly node: Node; readonly rest: Uint8Array } {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new Error("truncated");
  let header = 2;
  let length = first;
  if (first & 0x80) {
    const count = first & 0x7f;
    if (count < 1 || count > 4) throw new Error("length form");
    length = 0;
    for (const byte of bytes.subarray(2, 2 + count)) length = length * 256 + byte;
    header += count;
    if (header > bytes.length) throw new Error("truncated");
  }
  if (header + length > bytes.length) throw new Error("overlong");
  return { node: { tag, content: bytes.subarray(header, header + length) }, rest: bytes.subarray(header + length) };
}

export function readNodes(bytes: Uint8Array): readonly Node[] {
  const nodes: Node[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const read = readNode(rest);
    nodes.push(read.node);
    rest = read.rest;
  }
  return nodes;
}

export function signed(content: Uint8Array): bigint {
  if (content.length === 0) throw new Error("empty integer");
  let value = 0n;
  for (const byte of content) value = value * 256n + BigInt(byte);
  return BigInt.asIntN(8 * content.length, value);
}

export function arcs(content: Uint8Array): readonly number[] {
  const numbers: number[] = [];
  let arc = 0;
  let open = false;
  for (const byte of content) {
    if (!open && byte === 0x80) throw new Error("padded arc");
    arc = arc * 128 + (byte & 0x7f);
    open = byte > 0x7f;
    if (arc > 0xffffffff + 80) throw new Error("arc too large");
    if (open) continue;
    numbers.push(arc);
    arc = 0;
  }
  if (open) throw new Error("open arc");
  const [first, ...others] = numbers;
  if (first === undefined) return [0, 0];
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...others];
}

export function oidBytes(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  return Uint8Array.from([first * 40 + second, ...others].flatMap(base128));
}

function base128(arc: number): readonly number[] {
  const digits = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest % 128));
  return digits;
}

export function write(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), content]);
}

export function writeInteger(value: bigint | number, tag = 2): Uint8Array {
  let rest = BigInt(value);
  const bytes: number[] = [];
  do {
    bytes.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  } while (!((rest === 0n && (bytes[0] ?? 0) < 128) || (rest === -1n && (bytes[0] ?? 0) > 127)));
  return write(tag, Uint8Array.from(bytes));
}

export interface PlainMessage {
  readonly version: number;
  readonly community: string;
  readonly type: number;
  readonly id: number;
  /** error-status, or non-repeaters. */
  readonly second: number;
  /** error-index, or max-repetitions. */
  readonly third: number;
  readonly varbinds: readonly PlainVarbind[];
}

export interface PlainVarbind {
  readonly oid: string;
  readonly tag: number;
  readonly content: Uint8Array;
}

/** A v1 or v2c message. */
export function readMessage(bytes: Uint8Array): PlainMessage {
  const { node } = readNode(bytes);
  const [version, community, pdu, ...more] = readNodes(expectTag(node, 0x30).content);
  if (pdu === undefined || more.length > 0) throw new Error("message");
  return {
    version: Number(signed(expectTag(version, 2).content)),
    community: Buffer.from(expectTag(community, 4).content).toString("latin1"),
    ...readPduNode(pdu),
  };
}

export function readPduNode(pdu: Node): Omit<PlainMessage, "version" | "community"> {
  const [id, second, third, list, ...more] = readNodes(pdu.content);
  if (more.length > 0) throw new Error("pdu");
  const varbinds = readNodes(expectTag(list, 0x30).content).map((varbind) => {
    const [name, value, ...others] = readNodes(expectTag(varbind, 0x30).content);
    if (value === undefined || others.length > 0) throw new Error("varbind");
    return { oid: arcs(expectTag(name, 6).content).join("."), tag: value.tag, content: value.content };
  });
  const [a, b, c] = [id, second, third].map((node) => Number(signed(expectTag(node, 2).content)));
  return { type: pdu.tag, id: a ?? 0, second: b ?? 0, third: c ?? 0, varbinds };
}

function expectTag(node: Node | undefined, tag: number): Node {
  if (node?.tag !== tag) throw new Error(`tag ${tag} expected`);
  return node;
}

export function writeMessage(message: PlainMessage): Uint8Array {
  return write(0x30, writeInteger(message.version), write(4, Buffer.from(message.community, "latin1")), writePdu(message));
}

export function writePdu(message: PlainMessage): Uint8Array {
  const varbinds = message.varbinds.map(({ oid, tag, content }) => write(0x30, write(6, oidBytes(oid)), write(tag, content)));
  return write(message.type, writeInteger(message.id), writeInteger(message.second), writeInteger(message.third), write(0x30, ...varbinds));
}
