/** Datagrams between a prober and its responder, big-endian; both are ours, both believe nothing of what they read. */
const magic = 0x47485531;
/** Everything below, and no answer is ever longer than its question. */
export const minPacketBytes = 64;
export const maxPacketBytes = 1_472;
export const sessionBytes = 8;

/** `probe` and its `reply`; `ask` for the counts at the end, and the `summary` of them. */
const kinds = { probe: 1, reply: 2, ask: 3, summary: 4 } as const;
export type PacketKind = keyof typeof kinds;
const kindNames = new Map<number, PacketKind>(Object.entries(kinds).map(([name, number]) => [number, name as PacketKind]));

export interface PacketHead {
  readonly kind: PacketKind;
  /** 16 hexadecimal digits, chosen by the prober. */
  readonly session: string;
  readonly sequence: number;
}

/** What the responder counted of a session so far. */
export interface ResponderCounts {
  readonly received: number;
  readonly duplicates: number;
  readonly reordered: number;
}

export function readHead(packet: Buffer): PacketHead | undefined {
  if (packet.length < minPacketBytes || packet.length > maxPacketBytes || packet.readUInt32BE(0) !== magic) return undefined;
  const kind = kindNames.get(packet[4] ?? 0);
  return kind === undefined ? undefined : { kind, session: packet.toString("hex", 8, 16), sequence: packet.readUInt32BE(16) };
}

export function writeHead(packet: Buffer, kind: PacketKind, session: Uint8Array, sequence: number): void {
  packet.writeUInt32BE(magic, 0);
  packet[4] = kinds[kind];
  packet.set(session.subarray(0, sessionBytes), 8);
  packet.writeUInt32BE(sequence, 16);
}

/** Turns a question into its answer in place: same bytes, same length. `receivedMs` is the responder's monotonic clock. */
export function turnIntoReply(packet: Buffer, kind: "reply" | "summary", receivedMs: number, counts: ResponderCounts): void {
  packet[4] = kinds[kind];
  packet.writeDoubleBE(receivedMs, 28);
  packet.writeUInt32BE(counts.received, 36);
  packet.writeUInt32BE(counts.duplicates, 40);
  packet.writeUInt32BE(counts.reordered, 44);
}

/** When the prober sent it, by the prober's monotonic clock, milliseconds. Comes back as it was. */
export function writeSentMs(packet: Buffer, sentMs: number): void {
  packet.writeDoubleBE(sentMs, 20);
}

export function readReply(packet: Buffer): { readonly sentMs: number; readonly receivedMs: number; readonly counts: ResponderCounts } {
  return {
    sentMs: packet.readDoubleBE(20),
    receivedMs: packet.readDoubleBE(28),
    counts: { received: packet.readUInt32BE(36), duplicates: packet.readUInt32BE(40), reordered: packet.readUInt32BE(44) },
  };
}
