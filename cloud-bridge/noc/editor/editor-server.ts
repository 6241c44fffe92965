import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { AnswerCache } from "./answer-cache.ts";
import { type EditorFiles, sendEditorFile } from "./editor-files.ts";
import { forward, forwardUpgrade } from "./forward.ts";
import type { RemoteEditors, RemoteSession } from "./remote-editors.ts";

export interface EditorServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly allowedHosts: readonly string[];
  /** Address under which browsers reach it, if a proxy stands in front. */
  readonly url?: string;
  readonly editors: RemoteEditors;
  /** Absent: everything comes from the gateway. */
  readonly files?: EditorFiles;
  readonly clock: Clock;
  readonly logger: Logger;
}

const retryMs = 30_000;
const cookieName = "gatehouse_editor";
const pathPattern = /^\/gateways\/([a-z0-9-]{3,40})\/([a-z0-9-]{3,40})\/editor\/(.*)$/s;

/**
 * Where browsers reach the editors of gateways: a listener of its own, so that pages that come from a gateway run in another origin than the NOC's
 * page and can order nothing there.
 */
export class EditorServer implements Unit {
  readonly name = "editor-server";
  readonly #options: EditorServerOptions;
  readonly #cache = new AnswerCache();
  #url: string | undefined;

  constructor(options: EditorServerOptions) {
    this.#options = options;
  }

  /** Where a browser goes with a ticket. @throws GatewayError noc.unreachable while it does not listen */
  linkFor(site: { readonly tenant: string; readonly gateway: string }, ticket: string): string {
    const base = this.#options.url ?? this.#url;
    if (base === undefined) throw new GatewayError("noc.unreachable", { message: "the NOC's door for editors is not open yet" });
    return `${base}/gateways/${site.tenant}/${site.gateway}/editor/?ticket=${ticket}`;
  }

  async run(signal: AbortSignal): Promise<void> {
    const server = createServer({ maxHeaderSize: 16_384, requestTimeout: 60_000, headersTimeout: 10_000 });
    server.maxConnections = 256;
    server.on("request", (request, response) => this.#answer(request, response));
    server.on("upgrade", (request, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    await this.#listenAtLast(server, signal);
    try {
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  }

  /** A busy port costs the editors, not the NOC: it is said once and tried again. */
  async #listenAtLast(server: Server, signal: AbortSignal): Promise<void> {
    const { clock, logger, listen } = this.#options;
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#listen(server);
        return;
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        if (tries === 0)
          logger.warn(
            { code: error.code, ...listen },
            "the flow editors of gateways cannot be reached here: choose another --editor-listen",
          );
        await clock.sleep(retryMs, signal);
      }
    }
  }

  #listen(server: Server): Promise<void> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      server.once("error", (cause: NodeJS.ErrnoException) =>
        reject(new GatewayError(cause.code === "EADDRINUSE" ? "host.port-in-use" : "host.denied", { cause, fields: { host, port } })),
      );
      server.listen({ host, port }, () => {
        const address = server.address();
        const bound = typeof address === "object" && address !== null ? address.port : port;
        this.#url = `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
        resolve();
      });
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    response.on("error", () => undefined);
    for (const [name, value] of Object.entries(ownHeaders)) response.setHeader(name, value);
    try {
      this.#checkOrigin(request);
      const { tenant, gateway, path } = placeOf(request);
      const ticket = path.startsWith("?") ? new URLSearchParams(path.slice(1)).get("ticket") : null;
      if (ticket !== null) {
        this.#admit({ tenant, gateway }, ticket, response);
        return;
      }
      const session = this.#sessionOf(request, { tenant, gateway });
      const { files } = this.#options;
      const isSame = files !== undefined && files.version === session.version;
      if (isSame && request.method === "GET" && sendEditorFile(files, path.split("?", 1)[0] ?? "", response)) return;
      forward({ session, path, cache: this.#cache }, request, response);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      refuse(response, error);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    try {
      this.#checkOrigin(request, true);
      const place = placeOf(request);
      forwardUpgrade({ session: this.#sessionOf(request, place), path: place.path }, request, { socket, head });
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      socket.end("HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    }
  }

  /** The ticket becomes a cookie that is sent to this gateway's paths only. */
  #admit(place: { readonly tenant: string; readonly gateway: string }, ticket: string, response: ServerResponse): void {
    const session = this.#options.editors.admit(ticket);
    if (session === undefined || session.tenant !== place.tenant || session.gateway !== place.gateway) throw notSignedIn();
    const path = `/gateways/${place.tenant}/${place.gateway}/`;
    response.writeHead(303, {
      "set-cookie": `${cookieName}=${session.cookie}; Path=${path}; HttpOnly; SameSite=Strict`,
      location: `${path}editor/?access_token=${session.token}`,
    });
    response.end();
  }

  #sessionOf(request: IncomingMessage, place: { readonly tenant: string; readonly gateway: string }): RemoteSession {
    const cookie = new RegExp(`(?:^|;\\s*)${cookieName}=([A-Za-z0-9_-]{43})(?:;|$)`).exec(request.headers.cookie ?? "")?.[1];
    const session = cookie === undefined ? undefined : this.#options.editors.of(cookie);
    if (session === undefined || session.tenant !== place.tenant || session.gateway !== place.gateway) throw notSignedIn();
    return session;
  }

  /** Against DNS rebinding, and against pages of other origins (the NOC's own page among them). */
  #checkOrigin(request: IncomingMessage, needsOrigin = false): void {
    const { listen, allowedHosts, url } = this.#options;
    const host = (request.headers.host ?? "").toLowerCase();
    const own = ["127.0.0.1", "localhost", "[::1]", listen.host.toLowerCase(), ...allowedHosts];
    if (url !== undefined && URL.canParse(url)) own.push(new URL(url).hostname);
    if (!own.includes(host.replace(/:\d+$/, "")))
      throw new GatewayError("noc.denied", { message: "this server does not answer to that host name" });
    const { origin } = request.headers;
    const isOwn = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
    const isQuestion = request.method === "GET" || request.method === "HEAD";
    if (!isOwn && (needsOrigin || (!isQuestion && origin !== undefined)))
      throw new GatewayError("noc.denied", { message: "requests of other sites are refused" });
  }
}

/** Whatever the gateway's page is made to do by somebody: it talks to nobody but this listener. */
const ownHeaders = {
  "content-security-policy": [
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "worker-src 'self' blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
};

function placeOf(request: IncomingMessage): { readonly tenant: string; readonly gateway: string; readonly path: string } {
  const [, tenant, gateway, path] = pathPattern.exec(request.url ?? "") ?? [];
  if (tenant === undefined || gateway === undefined || path === undefined)
    throw new GatewayError("noc.invalid", { message: "no such address" });
  return { tenant, gateway, path };
}

function notSignedIn(): GatewayError {
  return new GatewayError("noc.denied", { message: "This editor is closed. Open it again from the gateway's page of the NOC." });
}

function refuse(response: ServerResponse, error: GatewayError): void {
  const status = error.code === "noc.denied" ? 403 : error.code === "noc.invalid" ? 404 : 502;
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${error.message}\n`);
}
