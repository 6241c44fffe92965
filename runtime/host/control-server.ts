import { chmodSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { type ControlAnswer, type ControlRequest, controlSocketPath, maxAnswerBytes, maxRequestBytes } from "./control-protocol.ts";
import { makeStateFolder } from "./state-folder.ts";

const maxConnections = 8;
const requestTimeoutMs = 30_000;

/** Answers one operation; a GatewayError becomes a refusal, anything else is a bug and ends the unit. */
export type ControlHandler = (args: Readonly<Record<string, unknown>>, signal: AbortSignal) => Promise<unknown>;

export interface ControlServerOptions {
  /** The state folder; made with mode 0700 if it is not there. */
  readonly folder: string;
  readonly handlers: Readonly<Record<string, ControlHandler>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The unit that answers `gatehouse status` and its like on `STATE/control.sock`. At most eight connections, one request each.
 * `run` throws GatewayError buffer.busy when another gateway answers there already, buffer.denied when the folder cannot be written.
 */
export function controlServer(options: ControlServerOptions): Unit {
  return { name: "control", run: (signal) => serve(options, signal) };
}

async function serve(options: ControlServerOptions, signal: AbortSignal): Promise<void> {
  const path = controlSocketPath(options.folder);
  const server = createServer({ allowHalfOpen: true });
  server.maxConnections = maxConnections;
  const sockets = new Set<Socket>();
  try {
    await listen(server, path, options);
    await new Promise<void>((resolve, reject) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
      server.on("error", reject);
      server.on("connection", (socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        answer(socket, options, signal).catch((error: unknown) => {
          socket.destroy();
          reject(error);
        });
      });
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

async function listen(server: Server, path: string, options: ControlServerOptions): Promise<void> {
  try {
    makeStateFolder(options.folder);
    await listenOnce(server, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") throw error;
      if (await isAnswered(path)) {
        throw new GatewayError("buffer.busy", { message: `another gateway runs on ${options.folder}`, fields: { folder: options.folder } });
      }
      // Left behind by a process that was killed.
      unlinkSync(path);
      await listenOnce(server, path);
    });
    chmodSync(path, 0o600);
  } catch (error) {
    if (isGatewayError(error)) throw error;
    const fields = { folder: options.folder, systemCode: (error as NodeJS.ErrnoException).code };
    throw new GatewayError("buffer.denied", {
      message: `the state folder ${options.folder} cannot be used (${fields.systemCode})`,
      fields,
      cause: error,
    });
  }
}

function listenOnce(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

async function answer(socket: Socket, options: ControlServerOptions, outer: AbortSignal): Promise<void> {
  const done = new AbortController();
  const signal = AbortSignal.any([outer, done.signal]);
  socket.on("close", () => done.abort(new Error("closed")));
  options.clock.sleep(requestTimeoutMs, signal).then(
    () => socket.destroy(),
    () => undefined,
  );
  const line = await firstLine(socket);
  // The asker went away, was too slow or too talkative: nobody is left to be answered.
  if (line === undefined) {
    socket.destroy();
    return;
  }
  const text = `${JSON.stringify(await resultOf(line, options, signal))}\n`;
  const refusal: ControlAnswer = { ok: false, code: "driver.limit", message: "the answer is too long" };
  if (!socket.destroyed) socket.end(Buffer.byteLength(text) > maxAnswerBytes ? `${JSON.stringify(refusal)}\n` : text);
}

/** The first line, or undefined if the connection ended or the line is longer than the limit. */
function firstLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (piece) => {
      text += piece;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > maxRequestBytes) resolve(undefined);
    });
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(undefined));
    socket.on("end", () => resolve(undefined));
  });
}

async function resultOf(line: string, options: ControlServerOptions, signal: AbortSignal): Promise<ControlAnswer> {
  const request = parseRequest(line);
  if (request === undefined) return { ok: false, code: "command.refused", message: "the request is not valid" };
  const handler = Object.hasOwn(options.handlers, request.operation) ? options.handlers[request.operation] : undefined;
  if (handler === undefined) return { ok: false, code: "command.refused", message: "there is no such operation" };
  try {
    return { ok: true, value: (await handler(request.arguments ?? {}, signal)) ?? null };
  } catch (error) {
    if (signal.aborted) return { ok: false, code: "command.refused", message: "the gateway is stopping" };
    if (!isGatewayError(error)) throw error;
    options.logger.debug({ operation: request.operation, code: error.code }, "control request refused");
    return { ok: false, code: error.code, message: error.message };
  }
}

function parseRequest(line: string): ControlRequest | undefined {
  try {
    const request: unknown = JSON.parse(line);
    if (typeof request !== "object" || request === null || !("operation" in request) || typeof request.operation !== "string")
      return undefined;
    const args = "arguments" in request && typeof request.arguments === "object" && request.arguments !== null ? request.arguments : {};
    return { operation: request.operation, arguments: args as Readonly<Record<string, unknown>> };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
