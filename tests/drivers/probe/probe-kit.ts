import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { createProber } from "../../../drivers/probe/prober.ts";
import type { ProbePrograms } from "../../../drivers/probe/run.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import type { CheckDefinition, CheckType } from "../../../runtime/model/check.ts";
import type { HttpCredential } from "../../../runtime/model/equipment.ts";
import type { CheckProblem, ProbeOutcome } from "../../../runtime/ports/checks.ts";

export const clock = new SystemClock(() => true);
const entropy = { random: () => Math.random(), bytes: (count: number) => new Uint8Array(randomBytes(count)) };

export interface Asked {
  readonly type: CheckType;
  readonly target: string;
  readonly timeoutMs?: number;
  readonly vantage?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly credential?: HttpCredential;
  readonly programs?: Partial<ProbePrograms>;
}

export function proberFor(asked: Pick<Asked, "credential" | "programs"> = {}) {
  return createProber({
    clock,
    entropy,
    credential: (name) => ({ name, ...(asked.credential === undefined ? {} : { http: asked.credential }) }),
    ...(asked.programs === undefined ? {} : { programs: asked.programs }),
  });
}

/** A definition with the defaults of its type. @throws Error when its settings are not valid */
export function definitionOf(asked: Asked, intervalMs = 60_000): CheckDefinition {
  const settings = structuredClone(asked.settings ?? {});
  const { validate } = proberFor().rules.settings(asked.type);
  if (!validate(settings)) throw new Error(JSON.stringify(validate.errors));
  const { type, target, timeoutMs = 10_000, vantage } = asked;
  return { id: "one", type, target, timeoutMs, intervalMs, settings, ...(vantage === undefined ? {} : { vantage }) };
}

/** Everything that is wrong with a definition whose settings are valid. */
export function problemsOf(asked: Asked, intervalMs = 60_000): readonly CheckProblem[] {
  const { rules } = proberFor();
  const definition = definitionOf(asked, intervalMs);
  return [...rules.basics(definition), ...rules.problems(definition)];
}

/** Runs one check against the real network of this machine. */
export function probe(asked: Asked, signal: AbortSignal = new AbortController().signal): Promise<ProbeOutcome> {
  return proberFor(asked).run(definitionOf(asked), signal);
}

/** Servers of one test; `end` closes all of them, connections included. */
export class Servers {
  readonly #ends: (() => Promise<void> | void)[] = [];

  async http(listener: RequestListener): Promise<{ readonly url: string; readonly server: Server }> {
    const server = createServer(listener);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#ends.push(() => closeHttp(server));
    return { url: `http://127.0.0.1:${portOf(server)}`, server };
  }

  /** A server that does to each connection what it is told. */
  async tcp(serve: (socket: Socket) => void): Promise<number> {
    const server = createTcpServer((socket) => {
      socket.on("error", () => socket.destroy());
      sockets.add(socket);
      serve(socket);
    });
    const sockets = new Set<Socket>();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#ends.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return portOf(server);
  }

  async udp(answer: (message: Buffer, reply: (bytes: Uint8Array) => void) => void): Promise<number> {
    const socket = createSocket("udp4");
    socket.on("message", (message, from) => answer(message, (bytes) => socket.send(bytes, from.port, from.address)));
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    this.#ends.push(() => void socket.close());
    return socket.address().port;
  }

  onEnd(end: () => Promise<void> | void): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
  }
}

async function closeHttp(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

export function portOf(server: TcpServer): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}
