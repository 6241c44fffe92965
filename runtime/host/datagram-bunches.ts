import { endianness } from "node:os";
import type { BunchedSocket, DatagramBunches, TakeDatagram } from "#ports/datagrams.ts";

/** Datagrams that travel with one call at most. */
const bunchOut = 64;
const bunchIn = 16;
/** Longer requests go alone: they might not fit the path's frames, and what is cut by the kernel must. */
const longestOut = 1_232;
/** Longer than any datagram over UDP, so that none is ever cut. Pages that no answer reaches are never touched. */
const longestIn = 65_536;

/** <sys/socket.h> of Linux on machines with 64-bit pointers, whose layout glibc and musl share. */
const inet = 2;
const datagramSocket = 2;
const nonBlocking = 0o4000;
const closeOnExec = 0o2_000_000;
const dontWait = 0x40;
const addressBytes = 16;
const vectorBytes = 16;
/** struct mmsghdr: a msghdr of 56 bytes, the length received, padding. */
const message = { bytes: 64, name: 0, nameBytes: 8, vectors: 16, vectorCount: 24, control: 32, controlBytes: 40, length: 56 } as const;
/** struct cmsghdr (length, level, type) and 16 bits, padded: UDP_SEGMENT, the length of each datagram that a message is cut into. */
const segment = { bytes: 24, length: 18, level: 17, type: 103, levelAt: 8, typeAt: 12, valueAt: 16 } as const;
/** The longest that is given to the kernel to be cut. */
const longestMessage = 60_000;
/** EIO, EINVAL, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP: it does not cut. Other reasons have to do with the receiver. */
const cannotCut: ReadonlySet<number> = new Set([5, 22, 90, 92, 95]);

/** What is used of node:ffi; experimental, so it is looked at with care. */
interface ForeignFunctions {
  dlopen(path: null, definitions: Readonly<Record<string, unknown>>): { readonly functions: Readonly<Record<string, unknown>> };
  getRawPointer(source: ArrayBuffer): bigint;
  getInt32(pointer: bigint): number;
}

interface Kernel {
  readonly pointerTo: (source: ArrayBuffer) => bigint;
  /** errno of the call before. */
  readonly reason: () => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly sendmmsg: (descriptor: number, messages: bigint, count: number, flags: number) => number;
  readonly recvmmsg: (descriptor: number, messages: bigint, count: number, flags: number, timeout: bigint) => number;
}

/**
 * Bunches by `sendmmsg` and `recvmmsg`, called through node:ffi. Where that is missing, switched off or other than expected, on other systems and
 * other machines there are none, and each datagram goes alone.
 */
export function datagramBunches(platform: string, machine: string): DatagramBunches {
  const isKnown = platform === "linux" && (machine === "x64" || machine === "arm64") && endianness() === "LE";
  let kernel: Kernel | undefined;
  let wasTried = false;
  return {
    open(): BunchedSocket | undefined {
      if (!isKnown) return undefined;
      if (!wasTried) kernel = openKernel();
      wasTried = true;
      const descriptor = kernel?.socket(inet, datagramSocket | nonBlocking | closeOnExec, 0) ?? -1;
      return kernel === undefined || descriptor < 0 ? undefined : new KernelSocket(kernel, descriptor);
    },
  };
}

/** The border to what the runtime may not have: everything that goes wrong here means that there is none. */
function openKernel(): Kernel | undefined {
  try {
    const foreign = process.getBuiltinModule("node:ffi") as unknown as ForeignFunctions;
    const { functions } = foreign.dlopen(null, {
      __errno_location: { arguments: [], return: "pointer" },
      socket: { arguments: ["int32", "int32", "int32"], return: "int32" },
      sendmmsg: { arguments: ["int32", "pointer", "uint32", "int32"], return: "int32" },
      recvmmsg: { arguments: ["int32", "pointer", "uint32", "int32", "pointer"], return: "int32" },
    });
    const { __errno_location, ...calls } = functions as unknown as Omit<Kernel, "pointerTo" | "reason"> & { __errno_location(): bigint };
    const reasonAt = __errno_location();
    return { ...calls, pointerTo: (source) => foreign.getRawPointer(source), reason: () => foreign.getInt32(reasonAt) };
  } catch {
    return undefined;
  }
}

/** Messages for one call, laid out once: only lengths, addresses and contents change. The memory lives as long as this object. */
class Messages {
  readonly pointer: bigint;
  readonly contents: Buffer;
  readonly names: DataView;
  protected readonly headers: DataView;
  protected readonly vectors: DataView;
  /** Where the contents lie in the process. */
  protected readonly contentsAt: bigint;

  constructor(kernel: Kernel, count: number, longest: number) {
    const headers = new ArrayBuffer(count * message.bytes);
    const vectors = new ArrayBuffer(count * vectorBytes);
    const names = new ArrayBuffer(count * addressBytes);
    const contents = new ArrayBuffer(count * longest);
    this.pointer = kernel.pointerTo(headers);
    this.contents = Buffer.from(contents);
    this.names = new DataView(names);
    this.headers = new DataView(headers);
    this.vectors = new DataView(vectors);
    this.contentsAt = kernel.pointerTo(contents);
    const at = { vectors: kernel.pointerTo(vectors), names: kernel.pointerTo(names) };
    for (let index = 0; index < count; index++) {
      const header = index * message.bytes;
      this.headers.setBigUint64(header + message.name, at.names + BigInt(index * addressBytes), true);
      this.headers.setUint32(header + message.nameBytes, addressBytes, true);
      this.headers.setBigUint64(header + message.vectors, at.vectors + BigInt(index * vectorBytes), true);
      this.headers.setBigUint64(header + message.vectorCount, 1n, true);
      this.vectors.setBigUint64(index * vectorBytes, this.contentsAt + BigInt(index * longest), true);
      this.vectors.setBigUint64(index * vectorBytes + 8, BigInt(longest), true);
    }
  }
}

class Incoming extends Messages {
  constructor(kernel: Kernel) {
    super(kernel, bunchIn, longestIn);
  }

  length(index: number): number {
    return Math.min(this.headers.getUint32(index * message.bytes + message.length, true), longestIn);
  }
}

/**
 * Datagrams that are to leave, one behind the other. Those of one length to one receiver that follow each other, the last one may be shorter, are one
 * message, which the kernel cuts: it goes through the stack once, which halves what sending costs. A table read sends such.
 */
class Outgoing extends Messages {
  readonly #segments: DataView;
  readonly #segmentsAt: bigint;
  /** Where each datagram begins, and where the last one ends. */
  readonly #starts = new Uint32Array(bunchOut + 1);
  /** The first datagram of each message, and behind them their number. */
  readonly #firsts = new Uint32Array(bunchOut + 1);
  /** `contentsAt` as a number, which holds all bits that addresses have. */
  readonly #base: number;
  size = 0;
  messages = 0;
  /** False once the kernel or a network card refused it. */
  mayMerge = true;
  /** Whether more may join the last message: none after a shorter one. */
  #isLastOpen = false;
  #lastLength = 0;
  #lastAddress = -1;
  #lastPort = 0;

  constructor(kernel: Kernel) {
    super(kernel, bunchOut, longestOut);
    const segments = new ArrayBuffer(bunchOut * segment.bytes);
    this.#segments = new DataView(segments);
    this.#segmentsAt = kernel.pointerTo(segments);
    this.#base = Number(this.contentsAt);
    for (let index = 0; index < bunchOut; index++) {
      const at = index * segment.bytes;
      this.#segments.setBigUint64(at, BigInt(segment.length), true);
      this.#segments.setUint32(at + segment.levelAt, segment.level, true);
      this.#segments.setUint32(at + segment.typeAt, segment.type, true);
      this.headers.setBigUint64(index * message.bytes + message.control, this.#segmentsAt + BigInt(at), true);
    }
  }

  put(bytes: Uint8Array, address: number, port: number): void {
    const start = this.#starts[this.size] ?? 0;
    this.contents.set(bytes, start);
    this.#starts[this.size + 1] = start + bytes.length;
    this.#place(start, bytes.length, address, port);
    this.size += 1;
  }

  /** Makes the datagram, whose bytes stand there, part of the last message or one of its own. */
  #place(start: number, length: number, address: number, port: number): void {
    const isSame = this.#isLastOpen && length <= this.#lastLength && address === this.#lastAddress && port === this.#lastPort;
    const last = this.messages - 1;
    const first = this.#starts[this.#firsts[last] ?? 0] ?? 0;
    if (isSame && start + length - first <= longestMessage) {
      this.vectors.setUint32(last * vectorBytes + 8, start + length - first, true);
      this.headers.setUint32(last * message.bytes + message.controlBytes, segment.bytes, true);
      this.#segments.setUint16(last * segment.bytes + segment.valueAt, this.#lastLength, true);
      this.#isLastOpen = length === this.#lastLength;
      return;
    }
    const index = this.messages++;
    const at = this.#base + start;
    this.#firsts[index] = this.size;
    this.vectors.setUint32(index * vectorBytes, at % 2 ** 32, true);
    this.vectors.setUint32(index * vectorBytes + 4, Math.floor(at / 2 ** 32), true);
    this.vectors.setUint32(index * vectorBytes + 8, length, true);
    this.headers.setUint32(index * message.bytes + message.controlBytes, 0, true);
    this.names.setUint16(index * addressBytes, inet, true);
    this.names.setUint16(index * addressBytes + 2, port);
    this.names.setUint32(index * addressBytes + 4, address);
    this.#isLastOpen = this.mayMerge;
    this.#lastLength = length;
    this.#lastAddress = address;
    this.#lastPort = port;
  }

  /** The first datagram of a message; of the one behind the last: how many there are. */
  firstOf(index: number): number {
    return index < this.messages ? (this.#firsts[index] ?? 0) : this.size;
  }

  bytesOf(place: number): Uint8Array {
    return this.contents.subarray(this.#starts[place] ?? 0, this.#starts[place + 1] ?? 0);
  }

  clear(): void {
    this.size = 0;
    this.messages = 0;
    this.#isLastOpen = false;
  }
}

class KernelSocket implements BunchedSocket {
  readonly descriptor: number;
  readonly #kernel: Kernel;
  readonly #out: Outgoing;
  readonly #in: Incoming;
  /** One object, overwritten each time: receiving makes no garbage. */
  readonly #from = { address: 0, port: 0 };
  #isClosed = false;

  constructor(kernel: Kernel, descriptor: number) {
    this.#kernel = kernel;
    this.descriptor = descriptor;
    this.#out = new Outgoing(kernel);
    this.#in = new Incoming(kernel);
  }

  get size(): number {
    return this.#out.size;
  }

  put(bytes: Uint8Array, address: number, port: number): boolean {
    if (this.#isClosed || this.#out.size === bunchOut || bytes.length > longestOut) return false;
    this.#out.put(bytes, address, port);
    return true;
  }

  flush(refused: (place: number, bytes: Uint8Array) => void): void {
    const out = this.#out;
    if (out.size === 0 || this.#isClosed) return;
    const count = this.#kernel.sendmmsg(this.descriptor, out.pointer, out.messages, 0);
    const sent = Math.max(0, count);
    // The kernel stops at the first one that it does not take and says why to nobody: whoever sends these alone is told.
    const from = out.firstOf(sent);
    const left = Array.from({ length: out.size - from }, (_, index) => new Uint8Array(out.bytesOf(from + index)));
    // Old kernels and some network cards do not cut: then nothing is put together any more.
    if (count < 0 && out.firstOf(1) > 1 && cannotCut.has(this.#kernel.reason())) out.mayMerge = false;
    out.clear();
    for (const [index, bytes] of left.entries()) refused(from + index, bytes);
  }

  receive(take: TakeDatagram, atMost: number): number {
    let total = 0;
    const { contents, names } = this.#in;
    const from = this.#from;
    while (total < atMost && !this.#isClosed) {
      const count = this.#kernel.recvmmsg(this.descriptor, this.#in.pointer, Math.min(bunchIn, atMost - total), dontWait, 0n);
      for (let index = 0; index < count; index++) {
        const start = index * longestIn;
        const name = index * addressBytes;
        from.address = names.getUint32(name + 4);
        from.port = names.getUint16(name + 2);
        take(contents, start, start + this.#in.length(index), from);
      }
      total += Math.max(0, count);
      if (count < bunchIn) break;
    }
    return total;
  }

  close(): void {
    this.#isClosed = true;
    this.#out.clear();
  }
}
