import { Socket } from "node:net";
import type { Clock } from "#ports/clock.ts";
import { after } from "./within.ts";

/** One connection attempt without a word said over it. Errors other than a refusal (no route, filtered) are silence. */
export async function tcpConnect(
  { address, port }: { readonly address: string; readonly port: number },
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<"open" | "refused" | "silent"> {
  const socket = new Socket();
  const done = new AbortController();
  let state: "open" | "refused" | "silent" = "silent";
  socket.once("connect", () => {
    state = "open";
    done.abort();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNREFUSED") state = "refused";
    done.abort();
  });
  try {
    socket.connect({ host: address, port });
    await after(clock, timeoutMs, signal, done.signal);
    return state;
  } finally {
    socket.destroy();
  }
}
