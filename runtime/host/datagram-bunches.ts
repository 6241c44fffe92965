import { endianness } from "node:os";
import type { BunchedSocket, DatagramBunches } from "#ports/datagrams.ts";

/** Datagrams that travel with one call at most. */
const bunchOut = 32;
const bunchIn = 16;
/** Longer requests go alone. */
const longestOut = 2_048;
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
const message = { bytes: 64, name: 0, nameBytes: 8, vectors: 16, vectorCount: 24, length: 56 } as const;

/** What is used of node:ffi; experimental, so it is looked at with care. */
interface ForeignFunctions {
  dlopen(path: null, definitions: Readonly<Record<string, unknown>>): { readonly functions: Readonly<Record<string, unknown>> };
  getRawPointer(source: ArrayBuffer): bigint;
}

interface Kernel {
  readonly pointerTo: (source: ArrayBuffer) => bigint;
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
      socket: { arguments: ["int32", "int32", "int32"], return: "int32" },
      sendmmsg: { arguments: ["int32", "pointer", "uint32", "int32"], return: "int32" },
      recvmmsg: { arguments: ["int32", "pointer", "uint32", "int32", "pointer"], return: "int32" },
    });
    const { socket, sendmmsg, recvmmsg } = functions as unknown as Kernel;
    return { pointerTo: (source) => foreign.getRawPointer(source), socket, sendmmsg, recvmmsg };
  } catch {
    return undefined;
  }
}

/** Messages for one call, laid out once: only lengths, addresses and contents change. The memory lives as long as this object. */
class Messages {
  readonly pointer: bigint;
  readonly contents: Buffer;
  readonly names: DataView;
  readonly #headers: DataView;
  readonly #vectors: DataView;
  readonly #longest: number;

  constructor(kernel: Kernel, count: number, longest: number) {
    const headers = new ArrayBuffer(count * message.bytes);
    const vectors = new ArrayBuffer(count * vectorBytes);
    const names = new ArrayBuffer(count * addressBytes);
    const contents = new ArrayBuffer(count * longest);
    this.pointer = kernel.pointerTo(headers);
    this.contents = Buffer.from(contents);
    this.names = new DataView(names);
    this.#headers = new DataView(headers);
    this.#vectors = new DataView(vectors);
    this.#longest = longest;
    const at = { vectors: kernel.pointerTo(vectors), names: kernel.pointerTo(names), contents: kernel.pointerTo(contents) };
    for (let index = 0; index < count; index++) {
      const header = index * message.bytes;
      this.#headers.setBigUint64(header + message.name, at.names + BigInt(index * addressBytes), true);
      this.#headers.setUint32(header + message.nameBytes, addressBytes, true);
      this.#headers.setBigUint64(header + message.vectors, at.vectors + BigInt(index * vectorBytes), true);
      this.#headers.setBigUint64(header + message.vectorCount, 1n, true);
      this.#vectors.setBigUint64(index * vectorBytes, at.contents + BigInt(index * longest), true);
      this.#vectors.setBigUint64(index * vectorBytes + 8, BigInt(longest), true);
    }
  }

  write(index: number, bytes: Uint8Array, address: number, port: number): void {
    this.contents.set(bytes, index * this.#longest);
    this.#vectors.setUint32(index * vectorBytes + 8, bytes.length, true);
    this.names.setUint16(index * addressBytes, inet, true);
    this.names.setUint16(index * addressBytes + 2, port);
    this.names.setUint32(index * addressBytes + 4, address);
  }

  writtenBytes(index: number): Buffer {
    return this.#content(index, this.#vectors.getUint32(index * vectorBytes + 8, true));
  }

  receivedBytes(index: number): Buffer {
    return this.#content(index, this.#headers.getUint32(index * message.bytes + message.length, true));
  }

  #content(index: number, length: number): Buffer {
    return this.contents.subarray(index * this.#longest, index * this.#longest + Math.min(length, this.#longest));
  }
}

class KernelSocket implements BunchedSocket {
  readonly descriptor: number;
  readonly #kernel: Kernel;
  readonly #out: Messages;
  readonly #in: Messages;
  #size = 0;
  #isClosed = false;

  constructor(kernel: Kernel, descriptor: number) {
    this.#kernel = kernel;
    this.descriptor = descriptor;
    this.#out = new Messages(kernel, bunchOut, longestOut);
    this.#in = new Messages(kernel, bunchIn, longestIn);
  }

  get size(): number {
    return this.#size;
  }

  put(bytes: Uint8Array, address: number, port: number): boolean {
    if (this.#isClosed || this.#size === bunchOut || bytes.length > longestOut) return false;
    this.#out.write(this.#size, bytes, address, port);
    this.#size += 1;
    return true;
  }

  flush(refused: (place: number, bytes: Uint8Array) => void): void {
    const count = this.#size;
    if (count === 0 || this.#isClosed) return;
    this.#size = 0;
    const sent = Math.max(0, this.#kernel.sendmmsg(this.descriptor, this.#out.pointer, count, 0));
    // The kernel stops at the first one that it does not take and says why to nobody: whoever sends these alone is told.
    for (let place = sent; place < count; place++) refused(place, new Uint8Array(this.#out.writtenBytes(place)));
  }

  receive(take: (bytes: Buffer, address: number, port: number) => void, atMost: number): number {
    let total = 0;
    while (total < atMost && !this.#isClosed) {
      const count = this.#kernel.recvmmsg(this.descriptor, this.#in.pointer, Math.min(bunchIn, atMost - total), dontWait, 0n);
      for (let index = 0; index < count; index++) {
        const name = index * addressBytes;
        take(this.#in.receivedBytes(index), this.#in.names.getUint32(name + 4), this.#in.names.getUint16(name + 2));
      }
      total += Math.max(0, count);
      if (count < bunchIn) break;
    }
    return total;
  }

  close(): void {
    this.#isClosed = true;
    this.#size = 0;
  }
}
