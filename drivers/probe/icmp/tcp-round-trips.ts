import { Socket } from "node:net";
import type { RoundTrips } from "../measured.ts";
import { type ProbeRun, rounded } from "../run.ts";
import type { EchoRequest } from "./echo-programs.ts";

/** Answered by nearly everything that has a web page or a shell behind it; a refusal is an answer too. */
export const signOfLifePorts = [443, 22, 80] as const;
const attemptBytes = 160;
const attemptPackets = 3;

/** A SYN is answered by SYN-ACK or RST: one round trip, without any right. Silence may also be a firewall's. */
export async function tcpRoundTrips(run: ProbeRun, request: EchoRequest): Promise<RoundTrips> {
  const trips: (number | undefined)[] = [];
  for (let index = 0; index < request.packets; index++) {
    if (index > 0) await run.pause(request.spacingMs);
    const waitMs = Math.min(request.timeoutMs, run.leftMs() - 50);
    trips.push(waitMs <= 0 ? undefined : await firstAnswer(run, request, waitMs));
  }
  return trips;
}

async function firstAnswer(run: ProbeRun, { address, source }: EchoRequest, waitMs: number): Promise<number | undefined> {
  const startedMs = run.nowMs();
  const done = new AbortController();
  let tookMs: number | undefined;
  const answered = () => {
    tookMs ??= rounded(run.nowMs() - startedMs);
    done.abort();
  };
  const sockets = signOfLifePorts.map((port) => {
    const socket = new Socket();
    socket.once("connect", answered);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") answered();
    });
    socket.connect({ host: address, port, ...(source === undefined ? {} : { localAddress: source }) });
    run.sent(attemptBytes, attemptPackets);
    return socket;
  });
  try {
    await run.world.clock.sleep(waitMs, AbortSignal.any([run.signal, done.signal])).catch((reason: unknown) => {
      if (run.signal.aborted || !done.signal.aborted) throw reason;
    });
    return tookMs;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}
