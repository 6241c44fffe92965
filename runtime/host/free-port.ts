import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { GatewayError } from "#model/errors.ts";

const maxTries = 50;

function isTcpPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function isUdpPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

/**
 * First port at or after `wanted` that is free for `count` consecutive ports. A program that comes between the check and the bind still
 * gets the ordinary error of the binder. @throws GatewayError host.port-in-use after 50 tries
 */
export async function freePort(kind: "tcp" | "udp", host: string, wanted: number, count = 1): Promise<number> {
  const isFree = kind === "tcp" ? isTcpPortFree : isUdpPortFree;
  for (let port = wanted; port < wanted + maxTries * count; port += count) {
    const checks = await Promise.all(Array.from({ length: count }, (_, index) => isFree(host, port + index)));
    if (checks.every(Boolean)) return port;
  }
  throw new GatewayError("host.port-in-use", { message: `no free ${kind} port from ${wanted} on`, fields: { port: wanted, host } });
}
