/** What the gate found wrong; the connection is not worth keeping then. */
export type GateFault = "packet-too-large" | "malformed-length" | "malformed-header";

const maxParts = 64;

/**
 * Whether a broker may begin a packet with this byte (MQTT 5 section 2.1.2 and 2.1.3): seen at once, where the parser would wait for
 * as many bytes as some foreign protocol's second letter announces.
 */
function isServerHeader(byte: number): boolean {
  const type = byte >> 4;
  const flags = byte & 0x0f;
  if (type === 3) return (flags & 0x06) !== 0x06;
  if (type === 6) return flags === 0x02;
  return flags === 0 && [2, 4, 5, 7, 9, 11, 13, 14, 15].includes(type);
}

/**
 * Cuts the broker's byte stream into whole MQTT packets before the parser sees them (MQTT 5 section 2.1: one type byte, a remaining
 * length of 1..4 bytes, then that many bytes). The parser keeps whatever a length announces, so a hostile broker could make memory
 * grow by promising 256 MB; here at most one packet of `maxPacketBytes` is held.
 */
export class PacketGate {
  readonly #maxPacketBytes: number;
  #parts: Uint8Array[] = [];
  #heldBytes = 0;
  /** Size of the packet at the front, header included; undefined until its length was read. */
  #packetBytes: number | undefined;

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** Bytes of the unfinished packet; never more than one packet and one chunk of the socket. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#heldBytes += bytes.length;
    // A peer that drips single bytes must not cost an object per byte.
    if (this.#parts.length >= maxParts) this.#joined();
  }

  /** The next whole packet, undefined = more bytes are needed, or what is wrong. */
  next(): Buffer | GateFault | undefined {
    if (this.#packetBytes === undefined) {
      const size = this.#readSize();
      if (typeof size !== "number") return size;
      if (size > this.#maxPacketBytes) return "packet-too-large";
      this.#packetBytes = size;
    }
    if (this.#heldBytes < this.#packetBytes) return undefined;
    const all = this.#joined();
    const packet = all.subarray(0, this.#packetBytes);
    this.#parts = all.length > packet.length ? [all.subarray(packet.length)] : [];
    this.#heldBytes -= packet.length;
    this.#packetBytes = undefined;
    return packet;
  }

  #readSize(): number | GateFault | undefined {
    if (this.#heldBytes < 2) return undefined;
    const head = (this.#parts[0]?.length ?? 0) >= 5 ? this.#parts[0] : this.#joined();
    if (!isServerHeader(head?.[0] ?? 0)) return "malformed-header";
    let value = 0;
    for (let digit = 0; digit < 4; digit++) {
      const byte = head?.[1 + digit];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 128 ** digit;
      if (byte < 0x80) return 2 + digit + value;
    }
    return "malformed-length";
  }

  #joined(): Buffer {
    const [first] = this.#parts;
    const all = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts, this.#heldBytes);
    this.#parts = [all];
    return Buffer.isBuffer(all) ? all : Buffer.from(all.buffer, all.byteOffset, all.byteLength);
  }
}
