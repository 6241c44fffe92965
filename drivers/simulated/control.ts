import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import { type FaultOrder, faults } from "./faults.ts";
import type { SimulatedSite } from "./site.ts";

const maxBodyBytes = 16_384;

/** Reads and faults over HTTP on 127.0.0.1: JSON in, JSON out. Never started on another address: it has no sign-in. */
export function createControlServer(site: SimulatedSite): Server {
  const server = createServer((request, response) => {
    handle(site, request)
      .then((body) => send(response, 200, body))
      .catch((error: unknown) => {
        if (isGatewayError(error)) send(response, 400, { error: error.code, message: error.message });
        else send(response, 500, { error: "bug", message: "see the log" });
        if (!isGatewayError(error)) site.options.logger.error({ error: String(error) }, "control request failed");
      });
  });
  server.maxConnections = 16;
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  return server;
}

async function handle(site: SimulatedSite, request: IncomingMessage): Promise<unknown> {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  // A page in a browser must not reach this through a name that resolves to the loopback address.
  if (host !== "127.0.0.1" && host !== "localhost") throw refused("wrong Host header");
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const route = `${request.method} ${url.pathname}`;
  switch (route) {
    case "GET /devices":
      return { devices: site.devices() };
    case "GET /counts":
      return { atMs: site.options.clock.now().wallMs, devices: site.counts() };
    case "GET /requests":
      return { requests: site.requests(url.searchParams.get("device") ?? "") };
    case "GET /faults":
      return { faults: Object.entries(faults).map(([fault, { help, device, oneShot }]) => ({ fault, help, device, oneShot })) };
    case "POST /faults":
      site.applyFault(parseOrder(await readBody(request)));
      return { ok: true };
    default:
      throw refused("there are GET /devices, /counts, /requests?device=, /faults and POST /faults");
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  if (!(request.headers["content-type"] ?? "").startsWith("application/json")) throw refused("content-type must be application/json");
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    const chunk: unknown = part;
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw refused("the body is too large");
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** @throws GatewayError command.refused */
export function parseOrder(text: string): FaultOrder {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GatewayError("command.refused", { message: "the body is not JSON", cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused("the body is not an object");
  const given = new Map<string, unknown>(Object.entries(value));
  const device = given.get("device");
  const fault = given.get("fault");
  const on = given.get("on") ?? true;
  const text_ = given.get("text");
  if (typeof device !== "string" || typeof fault !== "string") throw refused("device and fault are needed");
  if (typeof on !== "boolean") throw refused("on is not true or false");
  if (text_ !== undefined && typeof text_ !== "string") throw refused("text is not a string");
  const numbers: Record<string, number> = {};
  for (const name of ["port", "percent", "delayMs", "perSecond", "disk"] as const) {
    const number = given.get(name);
    if (number === undefined) continue;
    if (typeof number !== "number" || !(number >= 0 && number <= 1e6)) throw refused(`${name} is not a number from 0 to 1000000`);
    numbers[name] = number;
  }
  return { device, fault, on, ...numbers, ...(text_ === undefined ? {} : { text: text_ }) };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}

function refused(message: string): GatewayError {
  return new GatewayError("command.refused", { message });
}
