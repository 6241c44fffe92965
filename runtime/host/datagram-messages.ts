/** <sys/socket.h> of Linux on machines with 64-bit pointers, whose layout glibc and musl share: what `sendmmsg` and `recvmmsg` read and write. */

/** Datagrams that travel with one call at most. */
export const bunchOut = 64;
export const bunchIn = 16;
/** Longer requests go alone: they might not fit the path's frames, and what is cut by the kernel must. */
export const longestOut = 1_232;
/** Longer than any datagram over UDP, so that none is ever cut. Pages that no answer reaches are never touched. */
export const longestIn = 65_536;

export const inet = 2;
export const addressBytes = 16;
const vectorBytes = 16;
/** struct mmsghdr: a msghdr of 56 bytes, the length received, padding. */
const message = { bytes: 64, name: 0, nameBytes: 8, vectors: 16, vectorCount: 24, control: 32, controlBytes: 40, length: 56 } as const;
/** struct cmsghdr (length, level, type) and 16 bits, padded: UDP_SEGMENT, the length of each datagram that a message is cut into. */
export const segmentOption = { bytes: 24, length: 18, level: 17, type: 103, levelAt: 8, typeAt: 12, valueAt: 16 } as const;
/** The longest that is given to the kernel to be cut. */
const longestMessage = 60_000;
/** Where memory lies in the process. It stays there as long as the buffer lives. */
export type PointerTo = (source: ArrayBuffer) => bigint;

/** Halves, so that no bigint is made. */
function setPointer(view: DataView, at: number, address: number): void {
  view.setUint32(at, address % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(address / 2 ** 32), true);
}

/** Messages for one call, laid out once: only lengths, addresses and contents change. The memory lives as long as this object. */
class Messages {
  readonly pointer: bigint;
  readonly contents: Buffer;
  readonly names: DataView;
  protected readonly headers: DataView;
  protected readonly vectors: DataView;
  /** Where they lie in the process: a number holds all bits that addresses have. */
  protected readonly contentsAt: number;
  protected readonly vectorsAt: number;

  constructor(pointerTo: PointerTo, count: number, longest: number) {
    const headers = new ArrayBuffer(count * message.bytes);
    const vectors = new ArrayBuffer(count * vectorBytes);
    const names = new ArrayBuffer(count * addressBytes);
    const contents = new ArrayBuffer(count * longest);
    this.pointer = pointerTo(headers);
    this.contents = Buffer.from(contents);
    this.names = new DataView(names);
    this.headers = new DataView(headers);
    this.vectors = new DataView(vectors);
    this.contentsAt = Number(pointerTo(contents));
    this.vectorsAt = Number(pointerTo(vectors));
    const namesAt = Number(pointerTo(names));
    for (let index = 0; index < count; index++) {
      const header = index * message.bytes;
      setPointer(this.headers, header + message.name, namesAt + index * addressBytes);
      this.headers.setUint32(header + message.nameBytes, addressBytes, true);
      setPointer(this.headers, header + message.vectors, this.vectorsAt + index * vectorBytes);
      this.headers.setBigUint64(header + message.vectorCount, 1n, true);
      setPointer(this.vectors, index * vectorBytes, this.contentsAt + index * longest);
      this.vectors.setBigUint64(index * vectorBytes + 8, BigInt(longest), true);
    }
  }
}

export class Incoming extends Messages {
  constructor(pointerTo: PointerTo) {
    super(pointerTo, bunchIn, longestIn);
  }

  length(index: number): number {
    return Math.min(this.headers.getUint32(index * message.bytes + message.length, true), longestIn);
  }
}

/**
 * Datagrams that are to leave. Those of one length to one receiver, and a shorter one behind them, are one message, which the kernel cuts: it goes
 * through the stack once, which halves what sending costs. A table read sends such; what one receiver gets is put in order of length for it.
 */
export class Outgoing extends Messages {
  readonly #segments: DataView;
  /** Where each datagram begins, and where the last one ends. */
  readonly #starts = new Uint32Array(bunchOut + 1);
  readonly #addresses = new Uint32Array(bunchOut);
  readonly #ports = new Uint16Array(bunchOut);
  /** Places of the datagrams as they leave. */
  readonly order = new Uint8Array(bunchOut);
  /** By message: its first one in `order`. */
  readonly #firsts = new Uint8Array(bunchOut);
  size = 0;
  messages = 0;
  /** False once the kernel or a network card refused to cut. */
  mayMerge = true;

  constructor(pointerTo: PointerTo) {
    super(pointerTo, bunchOut, longestOut);
    const segments = new ArrayBuffer(bunchOut * segmentOption.bytes);
    this.#segments = new DataView(segments);
    const segmentsAt = Number(pointerTo(segments));
    for (let index = 0; index < bunchOut; index++) {
      const at = index * segmentOption.bytes;
      this.#segments.setBigUint64(at, BigInt(segmentOption.length), true);
      this.#segments.setUint32(at + segmentOption.levelAt, segmentOption.level, true);
      this.#segments.setUint32(at + segmentOption.typeAt, segmentOption.type, true);
      setPointer(this.headers, index * message.bytes + message.control, segmentsAt + at);
    }
  }

  put(bytes: Uint8Array, address: number, port: number): void {
    const place = this.size++;
    const start = this.#starts[place] ?? 0;
    this.contents.set(bytes, start);
    this.#starts[place + 1] = start + bytes.length;
    this.#addresses[place] = address;
    this.#ports[place] = port;
  }

  /** Makes messages of the datagrams. */
  arrange(): void {
    this.messages = 0;
    for (let from = 0; from < this.size; ) {
      let to = from;
      while (to < this.size && this.#addresses[to] === this.#addresses[from] && this.#ports[to] === this.#ports[from])
        this.#sortIn(from, to++);
      for (let first = from; first < to; ) first = this.#addMessage(first, to);
      from = to;
    }
  }

  /** Puts datagram `place` into the order of [from, place), longer ones first. */
  #sortIn(from: number, place: number): void {
    const length = this.#length(place);
    let at = place;
    for (; at > from && this.#length(this.order[at - 1] ?? 0) < length; at--) this.order[at] = this.order[at - 1] ?? 0;
    this.order[at] = place;
  }

  #length(place: number): number {
    return (this.#starts[place + 1] ?? 0) - (this.#starts[place] ?? 0);
  }

  /** One message of the datagrams from `first` in `order` on, before `end`. @returns the first that is not in it */
  #addMessage(first: number, end: number): number {
    const index = this.messages++;
    const header = index * message.bytes;
    const name = index * addressBytes;
    const place = this.order[first] ?? 0;
    const length = this.#length(place);
    let next = first;
    let previous = length;
    // Longer ones come first, so that the first shorter one ends it. 64 of the longest are more than the kernel takes in one.
    while (next < end && previous === length && (next === first || (this.mayMerge && (next - first + 1) * length <= longestMessage))) {
      previous = this.#length(this.order[next] ?? 0);
      this.#point(next, this.order[next] ?? 0, previous);
      next += 1;
    }
    this.#firsts[index] = first;
    setPointer(this.headers, header + message.vectors, this.vectorsAt + first * vectorBytes);
    this.headers.setUint32(header + message.vectorCount, next - first, true);
    this.headers.setUint32(header + message.controlBytes, next - first > 1 ? segmentOption.bytes : 0, true);
    this.#segments.setUint16(index * segmentOption.bytes + segmentOption.valueAt, length, true);
    this.names.setUint16(name, inet, true);
    this.names.setUint16(name + 2, this.#ports[place] ?? 0);
    this.names.setUint32(name + 4, this.#addresses[place] ?? 0);
    return next;
  }

  #point(vector: number, place: number, length: number): void {
    setPointer(this.vectors, vector * vectorBytes, this.contentsAt + (this.#starts[place] ?? 0));
    this.vectors.setUint32(vector * vectorBytes + 8, length, true);
  }

  /** The first datagram of a message, in `order`; of the one behind the last: how many there are. */
  firstOf(index: number): number {
    return index < this.messages ? (this.#firsts[index] ?? 0) : this.size;
  }

  bytesOf(place: number): Uint8Array {
    return this.contents.subarray(this.#starts[place] ?? 0, this.#starts[place + 1] ?? 0);
  }
}
