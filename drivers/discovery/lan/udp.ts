import type { RemoteInfo } from "node:dgram";
import { DgramAsPromised, type SocketAsPromised } from "dgram-as-promised";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import { plainIpv4 } from "./plain-address.ts";

export interface UdpEnd {
  readonly socket: SocketAsPromised;
  close(): Promise<void>;
}

export interface UdpOptions {
  /** Absent: any. */
  readonly host?: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Several programs may listen to multicast on one port (avahi does). */
  readonly shared: boolean;
}

/**
 * A UDP socket whose datagrams go through `take`; what `take` refuses as malformed (driver.bad-answer) is dropped.
 * @throws GatewayError driver.unsupported when the machine does not allow it
 */
export async function openUdp(options: UdpOptions, take: (bytes: Uint8Array, address: string, port: number) => void): Promise<UdpEnd> {
  const socket = DgramAsPromised.createSocket({ type: "udp4", reuseAddr: options.shared }, (bytes: Buffer, remote: RemoteInfo) => {
    const address = plainIpv4(remote.address);
    if (address === undefined) return;
    try {
      take(bytes, address, remote.port);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
    }
  });
  // ICMP errors come back as socket errors; a peer must not end the process with them.
  socket.socket.on("error", () => undefined);
  try {
    await socket.bind({ port: options.port, ...(options.host === undefined ? {} : { address: options.host }) });
  } catch (cause) {
    await socket.close().catch(() => undefined);
    throw new GatewayError("driver.unsupported", { message: `cannot use UDP port ${options.port}`, cause, fields: { port: options.port } });
  }
  return { socket, close: async () => void (await socket.close()) };
}

/** @throws GatewayError driver.unreachable */
export async function sendUdp(end: UdpEnd, bytes: Uint8Array, address: string, port: number): Promise<void> {
  try {
    await end.socket.send(bytes, 0, bytes.length, port, address);
  } catch (cause) {
    throw new GatewayError("driver.unreachable", { cause, fields: { address, port } });
  }
}
