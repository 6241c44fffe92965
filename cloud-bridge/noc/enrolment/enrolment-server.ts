import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { type EnrolmentRequest, maxEnrolmentBytes } from "../../protocol/enrolment.ts";
import type { EnrolmentDesk } from "./enrolment-desk.ts";

export interface EnrolmentServerOptions {
  readonly desk: EnrolmentDesk;
  readonly listen: { readonly host: string; readonly port: number };
  /** Certificate chain up to the authority, and its key, PEM. */
  readonly tls: { readonly certificate: string; readonly key: string };
  readonly logger: Logger;
  readonly onListening?: (port: number) => void;
}

/** The enrolment role's HTTPS door: `POST /enrol/start`, `/enrol/finish`, `/enrol/renew`. TLS 1.3, no client certificate (they are made here). */
export class EnrolmentServer implements Unit {
  readonly name = "enrolment";
  readonly #options: EnrolmentServerOptions;

  constructor(options: EnrolmentServerOptions) {
    this.#options = options;
  }

  /** @throws GatewayError host.port-in-use | host.denied */
  async run(signal: AbortSignal): Promise<void> {
    const { tls, listen, onListening } = this.#options;
    const server = createServer(
      {
        ...{ cert: tls.certificate, key: tls.key, minVersion: "TLSv1.3", handshakeTimeout: 10_000 },
        ...{ requestTimeout: 20_000, headersTimeout: 10_000, maxHeaderSize: 8_192 },
      },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => this.#refuse(response, error));
      },
    );
    server.maxConnections = 256;
    server.maxRequestsPerSocket = 8;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", (error: NodeJS.ErrnoException) => {
          const code = error.code === "EADDRINUSE" ? "host.port-in-use" : "host.denied";
          reject(new GatewayError(code, { cause: error, fields: { host: listen.host, port: listen.port } }));
        });
        server.listen({ host: listen.host, port: listen.port }, resolve);
      });
      const address = server.address();
      onListening?.(typeof address === "object" && address !== null ? address.port : listen.port);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { desk } = this.#options;
    const from = request.socket.remoteAddress ?? "";
    const body = await readObject(request);
    const route = `${request.method} ${request.url}`;
    if (route === "POST /enrol/start") send(response, 200, desk.start(textOf(body, "serial")));
    else if (route === "POST /enrol/finish") send(response, 200, await desk.finish(requestOf(body), from));
    else if (route === "POST /enrol/renew") send(response, 200, await desk.renew(textOf(body, "token"), from));
    else send(response, 404, { error: { code: "noc.invalid", message: "no such address" } });
  }

  #refuse(response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) return;
    if (isGatewayError(error)) {
      send(response, error.code === "noc.denied" ? 403 : 400, { error: { code: error.code, message: error.message } });
      return;
    }
    this.#options.logger.error({ error: error instanceof Error ? error.stack : "unknown" }, "an enrolment request failed");
    send(response, 500, { error: { code: "noc.store", message: "the request failed" } });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

async function readObject(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = "";
  request.setEncoding("utf8");
  for await (const piece of request) {
    text += String(piece);
    if (text.length > maxEnrolmentBytes) throw new GatewayError("noc.invalid", { message: "the request is too long" });
  }
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  } catch (cause) {
    // The parser's message would quote the request.
    throw new GatewayError("noc.invalid", { message: "the request is not JSON", cause: cause instanceof Error ? cause.name : "unknown" });
  }
  throw new GatewayError("noc.invalid", { message: "a JSON object was expected" });
}

function textOf(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (typeof value !== "string") throw new GatewayError("noc.invalid", { message: `${name} is missing` });
  return value;
}

/** The body of `/enrol/finish`, looked at member by member. @throws GatewayError noc.invalid */
export function requestOf(body: Readonly<Record<string, unknown>>): EnrolmentRequest {
  const key = (name: string, crv: string) => {
    const value = body[name] as Record<string, unknown> | undefined;
    const isRight = typeof value === "object" && value !== null && value["crv"] === crv && typeof value["x"] === "string";
    if (!isRight) throw new GatewayError("noc.invalid", { message: `${name} must be a public ${crv} key` });
    const { kty, x, y } = value as unknown as { readonly kty: "EC" | "OKP"; readonly x: string; readonly y?: string };
    return { kty, crv: crv as "P-256" | "Ed25519", x, ...(typeof y === "string" ? { y } : {}) };
  };
  const [serial, nonce, csr, proof] = ["serial", "nonce", "csr", "proof"].map((name) => textOf(body, name));
  return {
    ...{ serial: serial ?? "", nonce: nonce ?? "", csr: csr ?? "", proof: proof ?? "" },
    ...{ sealingKey: key("sealingKey", "P-256"), evidenceKey: key("evidenceKey", "Ed25519") },
  };
}
