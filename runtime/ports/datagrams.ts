/**
 * UDP over IPv4 where the kernel takes and hands over many datagrams with one call. A poll of many devices is little else than datagrams: one
 * call, one buffer and two objects each cost more than what is in them.
 */
export interface DatagramBunches {
  /** A socket of its own; undefined where the platform cannot do it: then each datagram goes alone. */
  open(): BunchedSocket | undefined;
}

/** Takes one datagram: `bytes` from `start` to `end`. The next ones will be written to that buffer, and `from` is one object for all: nobody keeps either. */
export type TakeDatagram = (bytes: Buffer, start: number, end: number, from: DatagramSender) => void;

export interface DatagramSender {
  /** IPv4 as one number, most significant byte first. */
  readonly address: number;
  readonly port: number;
}

export interface BunchedSocket {
  /** An open socket that nobody reads yet. Whoever wraps it is told of datagrams by its loop, and closes it: `close` first. */
  readonly descriptor: number;
  /** Datagrams in the bunch that is being put together. */
  readonly size: number;
  /**
   * Copies a datagram into the bunch. @param address IPv4 as one number, most significant byte first
   * @returns false when the bunch is full, or the datagram too large for any: send the bunch, or the datagram by other means
   */
  put(bytes: Uint8Array, address: number, port: number): boolean;
  /** Sends the bunch. `refused` is told which datagrams, by their place in it, the kernel did not take; their bytes are the caller's. */
  flush(refused: (place: number, bytes: Uint8Array) => void): void;
  /** Hands over what waits in the socket, `atMost` datagrams. @returns how many there were */
  receive(take: TakeDatagram, atMost: number): number;
  /** From now on the descriptor is not touched. */
  close(): void;
}
