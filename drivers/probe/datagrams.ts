import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIP } from "node:net";
import { socketFailure } from "./failure.ts";
import { orEnd, type ProbeRun } from "./run.ts";
import type { HostPort } from "./target.ts";

export const udpHeaderBytes = { 4: 28, 6: 48 } as const;

export interface DatagramHandlers {
  readonly onMessage: (message: Buffer, from: RemoteInfo) => void;
  /** After the socket was connected: what ICMP said of a datagram, mostly that nobody listens. */
  readonly onError: (error: Error) => void;
}

/** A UDP socket that talks to one address and hears nobody else. The caller closes it. @throws failed: connect */
export async function connectDatagrams(run: ProbeRun, target: HostPort, what: string, handlers: DatagramHandlers): Promise<Socket> {
  const socket = createSocket(isIP(target.host) === 6 ? "udp6" : "udp4");
  try {
    const ready = new Promise<void>((resolve, reject) => {
      socket.once("error", (error) => reject(socketFailure(error, "connect", what)));
      socket.bind({ port: 0, ...(run.source === undefined ? {} : { address: run.source }) }, () =>
        socket.connect(target.port, target.host, () => resolve()),
      );
    });
    await orEnd(run.signal, ready);
  } catch (error) {
    socket.close();
    throw error;
  }
  run.localAddress = socket.address().address;
  socket.removeAllListeners("error");
  socket.on("error", (error) => handlers.onError(socketFailure(error, "answer", what)));
  socket.on("message", handlers.onMessage);
  return socket;
}

/** Sleeps until the time is over or `done` aborts. Rejects with the run's reason. */
export async function waitFor(run: ProbeRun, ms: number, done: AbortSignal): Promise<void> {
  await run.world.clock.sleep(ms, AbortSignal.any([run.signal, done])).catch((reason: unknown) => {
    if (run.signal.aborted || !done.aborted) throw reason;
  });
}
