import { Socket } from "node:net";
import { socketFailure } from "../failure.ts";
import { resolveHost } from "../resolve.ts";
import { orEnd, type ProbeRun } from "../run.ts";
import { type HostPort, said } from "../target.ts";

export interface Connected {
  readonly socket: Socket;
  readonly address: string;
  readonly resolveMs: number;
  readonly connectMs: number;
}

/** SYN, SYN-ACK, ACK; FIN and ACK both ways: 52 bytes each and 40 at the least. */
export const connectTraffic = { bytes: 380, packets: 7 } as const;
/** Headers of TCP and IP per segment, and the payload of a full one. */
const segmentHeaderBytes = 52;
const segmentBytes = 1_400;

/** Resolves and connects; the caller destroys the socket. @throws failed: resolve, connect */
export async function connect(run: ProbeRun, target: HostPort): Promise<Connected> {
  const { address, tookMs: resolveMs } = await resolveHost(run, target.host);
  run.stage = "connect";
  run.evidence["address"] = address;
  const socket = new Socket();
  const startedMs = run.nowMs();
  try {
    const connected = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.on("error", (error) => reject(socketFailure(error, "connect", saidOf(target, address))));
    });
    run.sent(connectTraffic.bytes, connectTraffic.packets);
    socket.connect({ host: address, port: target.port, ...(run.source === undefined ? {} : { localAddress: run.source }) });
    await orEnd(run.signal, connected);
    run.localAddress = socket.localAddress;
    return { socket, address, resolveMs, connectMs: run.since(startedMs) };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

export function saidOf(target: HostPort, address: string): string {
  return target.host === address ? said(target) : `${said(target)} (${address})`;
}

/** What a connection moved beyond its opening and closing: payload by the socket's own count, headers by the segments it takes. */
export function countStream(run: ProbeRun, socket: Socket): void {
  const segments = Math.ceil(socket.bytesRead / segmentBytes) + Math.ceil(socket.bytesWritten / segmentBytes);
  // Every other segment is acknowledged by one of its own.
  const packets = Math.ceil(segments * 1.5);
  run.sent(socket.bytesRead + socket.bytesWritten + packets * segmentHeaderBytes, packets);
}
