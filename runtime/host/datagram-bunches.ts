import { endianness } from "node:os";
import type { BunchedSocket, DatagramBunches, TakeDatagram } from "#ports/datagrams.ts";
import {
  addressBytes,
  bunchIn,
  bunchOut,
  Incoming,
  inet,
  longestIn,
  longestOut,
  Outgoing,
  type PointerTo,
  segmentOption,
} from "./datagram-messages.ts";

/** <sys/socket.h> of Linux. */
const datagramSocket = 2;
const nonBlocking = 0o4000;
const closeOnExec = 0o2_000_000;
const dontWait = 0x40;
/** EIO, EINVAL, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP: it does not cut. Other reasons have to do with the receiver. */
const cannotCut: ReadonlySet<number> = new Set([5, 22, 90, 92, 95]);

/** What is used of node:ffi; experimental, so it is looked at with care. */
interface ForeignFunctions {
  dlopen(path: null, definitions: Readonly<Record<string, unknown>>): { readonly functions: Readonly<Record<string, unknown>> };
  getRawPointer(source: ArrayBuffer): bigint;
  getInt32(pointer: bigint): number;
}

interface Kernel {
  readonly pointerTo: PointerTo;
  /** One for all sockets: what came is taken within the call that receives it. */
  readonly incoming: Incoming;
  /** errno of the call before. */
  readonly reason: () => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly getsockopt: (descriptor: number, level: number, option: number, value: bigint, length: bigint) => number;
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
      getsockopt: { arguments: ["int32", "int32", "int32", "pointer", "pointer"], return: "int32" },
      sendmmsg: { arguments: ["int32", "pointer", "uint32", "int32"], return: "int32" },
      recvmmsg: { arguments: ["int32", "pointer", "uint32", "int32", "pointer"], return: "int32" },
    });
    const { __errno_location, ...calls } = functions as unknown as Omit<Kernel, "pointerTo" | "incoming" | "reason"> & {
      __errno_location(): bigint;
    };
    const reasonAt = __errno_location();
    const pointerTo: PointerTo = (source) => foreign.getRawPointer(source);
    return { ...calls, pointerTo, incoming: new Incoming(pointerTo), reason: () => foreign.getInt32(reasonAt) };
  } catch {
    return undefined;
  }
}

/** A kernel that does not know how to cut would ignore the wish and send the whole as one datagram (before Linux 4.18): so it is asked first. */
function canCut(kernel: Kernel, descriptor: number): boolean {
  const [value, length] = [new ArrayBuffer(4), new Uint32Array([4])];
  const { level, type } = segmentOption;
  return kernel.getsockopt(descriptor, level, type, kernel.pointerTo(value), kernel.pointerTo(length.buffer)) === 0;
}

class KernelSocket implements BunchedSocket {
  readonly descriptor: number;
  readonly #kernel: Kernel;
  readonly #out: Outgoing;
  /** One object, overwritten each time: receiving makes no garbage. */
  readonly #from = { address: 0, port: 0 };
  #isClosed = false;

  constructor(kernel: Kernel, descriptor: number) {
    this.#kernel = kernel;
    this.descriptor = descriptor;
    this.#out = new Outgoing(kernel.pointerTo);
    this.#out.mayMerge = canCut(kernel, descriptor);
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
    out.arrange();
    const count = this.#kernel.sendmmsg(this.descriptor, out.pointer, out.messages, 0);
    const sent = Math.max(0, count);
    // The kernel stops at the first one that it does not take and says why to nobody: whoever sends these alone is told.
    const from = out.firstOf(sent);
    if (from === out.size) {
      out.size = 0;
      return;
    }
    const left = Array.from(out.order.subarray(from, out.size), (place) => ({ place, bytes: new Uint8Array(out.bytesOf(place)) }));
    // Old kernels and some network cards do not cut: then nothing is put together any more.
    if (count < 0 && out.firstOf(1) > 1 && cannotCut.has(this.#kernel.reason())) out.mayMerge = false;
    out.size = 0;
    for (const { place, bytes } of left) refused(place, bytes);
  }

  receive(take: TakeDatagram, atMost: number): number {
    let total = 0;
    const { incoming } = this.#kernel;
    const { contents, names } = incoming;
    const from = this.#from;
    while (total < atMost && !this.#isClosed) {
      const count = this.#kernel.recvmmsg(this.descriptor, incoming.pointer, Math.min(bunchIn, atMost - total), dontWait, 0n);
      for (let index = 0; index < count; index++) {
        const start = index * longestIn;
        const name = index * addressBytes;
        from.address = names.getUint32(name + 4);
        from.port = names.getUint16(name + 2);
        take(contents, start, start + incoming.length(index), from);
      }
      total += Math.max(0, count);
      if (count < bunchIn) break;
    }
    return total;
  }

  close(): void {
    this.#isClosed = true;
    this.#out.size = 0;
  }
}
