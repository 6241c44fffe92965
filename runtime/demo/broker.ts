import { createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { GatewayError } from "#model/errors.ts";

/**
 * The demo's MQTT 5 broker: in memory, on loopback, without sign-in. Not for production: no shared subscriptions, nothing kept over
 * a restart, which is just what the gateway must survive. Runs until the signal aborts.
 * @throws GatewayError host.port-in-use
 */
export async function runDemoBroker(host: string, port: number, signal: AbortSignal, onListening: () => void): Promise<void> {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    broker.handle(socket);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause: NodeJS.ErrnoException) => {
        const code = cause.code === "EADDRINUSE" ? "host.port-in-use" : "host.denied";
        reject(new GatewayError(code, { message: `the demo's broker cannot listen on ${host}:${port}`, cause, fields: { host, port } }));
      });
      server.listen({ host, port }, resolve);
    });
    onListening();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await new Promise<void>((resolve) => broker.close(() => resolve()));
  }
}
