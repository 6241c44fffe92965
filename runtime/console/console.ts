import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Editor } from "#ports/editor.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { PageAssets } from "#web/bundle.ts";
import { readJson, sendError, sendFile, sendJson } from "./answers.ts";
import { type ApiParts, apiRoutes } from "./api.ts";
import { FrontDoor } from "./front-door.ts";
import { OneTimeCodes } from "./one-time-codes.ts";
import { OwnHost } from "./own-host.ts";
import { cookieOf, type RequestHead } from "./request-head.ts";
import { type ConsoleSession, editorPerson, Sessions } from "./sessions.ts";
import type { ConsoleSource, ConsoleTls, SignInMethod } from "./source.ts";
import { TryLimit, type TryMemory } from "./try-limit.ts";

const cookieName = "gatehouse_console";
const retryMs = 30_000;
/** What is left of a lock is written down this often. */
const keepTriesMs = 300_000;
/** Pages of other sites cannot send it without asking first, and nobody answers them. */
const ownHeader = "x-gatehouse";

export interface ConsoleOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Read when it opens; absent = plain HTTP. @throws GatewayError config.* */
  readonly tls?: () => Promise<ConsoleTls>;
  /** Further names people use for this gateway. */
  readonly allowedHosts: readonly string[];
  readonly gateway: ApiParts["gateway"];
  readonly source: ConsoleSource;
  readonly pages: () => Promise<PageAssets>;
  readonly editor?: Editor;
  /** Besides one-time codes: tokens of the NOC, challenge and response. */
  readonly signInMethods?: readonly SignInMethod[];
  /** Shown to whoever has no network for a token; answered by the NOC over the telephone. */
  readonly challenge?: () => string;
  /** Says who signed in or failed to: for the audit record. */
  readonly onSignIn?: (event: { readonly person: string; readonly method: string; readonly from: string; readonly ok: boolean }) => void;
  /** Where wrong tries are remembered over restarts; absent = for as long as this lives. */
  readonly tries?: TryMemory;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

/** The gateway's own web page for the technician on site, and the door to the editor. */
export class Console implements Unit {
  readonly name = "console";
  readonly codes: OneTimeCodes;
  readonly #options: ConsoleOptions;
  readonly #sessions: Sessions;
  readonly #tries: TryLimit;
  readonly #own: OwnHost;
  #port = 0;
  #fingerprint: string | undefined;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.codes = new OneTimeCodes(options.clock, options.entropy);
    this.#sessions = new Sessions(options.clock, options.entropy);
    this.#tries = new TryLimit(options.clock, options.tries);
    this.#own = new OwnHost(options.listen.host, options.allowedHosts);
  }

  /** Where it listens; undefined before it does. */
  get url(): string | undefined {
    const { host } = this.#options.listen;
    const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
    return this.#port === 0 ? undefined : `${this.#options.tls === undefined ? "http" : "https"}://${shown}:${this.#port}`;
  }

  /** For `gatehouse status` and whoever gets a code: what the browser must show. */
  status(): { readonly url: string | undefined; readonly fingerprint?: string } {
    return { url: this.url, ...(this.#fingerprint === undefined ? {} : { fingerprint: this.#fingerprint }) };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 }, (request, response) => {
      this.#answer(request, response, signal).catch((error: unknown) => this.#failed(request, response, error));
    });
    const door = new FrontDoor(clock, (socket, request, head) => this.#admit(server, socket, request, head));
    try {
      await this.#open(door, signal);
      while (!signal.aborted) {
        await clock.sleep(keepTriesMs, signal).catch(() => undefined);
        this.#tries.keep();
      }
    } finally {
      this.#port = 0;
      await door.close();
    }
  }

  /** A port that somebody else holds costs the page, never the telemetry: it is said once and tried again until it is free. */
  async #open(door: FrontDoor, signal: AbortSignal): Promise<void> {
    const { clock, listen, logger } = this.#options;
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        const tls = await this.#options.tls?.();
        this.#port = await door.listen(listen.host, listen.port, tls);
        this.#fingerprint = tls?.fingerprint;
        logger.info({ url: this.url, ...(tls === undefined ? {} : { certificate: tls.fingerprint }) }, "console is open");
        if (tls === undefined && !/^(127\.|::1$|localhost$)/.test(listen.host))
          logger.warn(
            { host: listen.host },
            "the console is not encrypted: whoever is on the site's network can read codes and sessions (console.tls)",
          );
        return;
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        if (tries === 0)
          logger.error(
            { code: error.code, host: listen.host, port: listen.port },
            "the console cannot listen; it is tried again every 30 s",
          );
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  #admit(server: Server, socket: Socket, request: RequestHead, head: Buffer): void {
    const host = request.headers.get("host");
    const isOwn = this.#own.isOwn(host) && this.#own.isOwnOrigin(request.headers.get("origin"), host);
    if (!isOwn) {
      refuse(socket, "403 Forbidden", "this gateway does not answer to that host name, nor to pages of other sites");
      return;
    }
    if (request.target !== "/editor" && !/^\/editor[/?]/.test(request.target)) {
      socket.unshift(head);
      server.emit("connection", socket);
      socket.resume();
      return;
    }
    const { editor } = this.#options;
    const session = this.#sessionOf(request.headers.get("cookie"));
    if (editor === undefined) {
      refuse(socket, "404 Not Found", "this gateway runs no flows");
      return;
    }
    if (session === undefined) {
      refuse(socket, "401 Unauthorized", "sign in at the console first");
      return;
    }
    if (!session.scopes.has("flows.read")) {
      refuse(socket, "403 Forbidden", "the scope flows.read is missing");
      return;
    }
    socket.removeAllListeners("error");
    editor.handOver(socket, head, editorPerson(session));
  }

  async #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const target = request.url ?? "/";
    if (!URL.canParse(target, "http://console")) {
      sendError(response, 400, "command.refused", "this is no address");
      return;
    }
    const url = new URL(target, "http://console");
    const route = `${request.method} ${url.pathname}`;
    if (request.method === "GET" && (await this.#sendPage(request, response, url.pathname))) return;
    if (request.method !== "GET" && request.headers[ownHeader] === undefined) {
      sendError(response, 403, "command.refused", `the header ${ownHeader} is missing`);
      return;
    }
    if (route === "POST /api/session") return this.#signIn(request, response);
    if (route === "POST /api/challenge") {
      sendJson(response, 200, { challenge: this.#options.challenge?.() });
      return;
    }
    const session = this.#sessionOf(request.headers.cookie);
    if (session === undefined) {
      sendError(response, 401, "command.refused", "Sign in first.");
      return;
    }
    if (route === "DELETE /api/session") return this.#signOut(request, response);
    const answer = apiRoutes.get(route);
    if (answer === undefined) {
      sendError(response, 404, "command.refused", "no such address");
      return;
    }
    const { source, clock, gateway, editor } = this.#options;
    await answer({ request, response, url, session }, { source, clock, gateway, ...(editor === undefined ? {} : { editor }) }, signal);
  }

  async #sendPage(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (path !== "/" && path !== "/app.js" && path !== "/app.css") return false;
    const pages = await this.#options.pages();
    if (path === "/") sendFile(request, response, "text/html; charset=utf-8", pages.html);
    else if (path === "/app.js") sendFile(request, response, "text/javascript; charset=utf-8", pages.script);
    else sendFile(request, response, "text/css; charset=utf-8", pages.style);
    return true;
  }

  async #signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const from = request.socket.remoteAddress ?? "";
    const waitS = this.#tries.waitS(from);
    if (waitS > 0) {
      sendError(response, 429, "command.refused", `Too many wrong codes. Try again in ${Math.ceil(waitS / 60)} minutes.`);
      return;
    }
    const { secret } = await readJson(request);
    if (typeof secret !== "string" || secret.length > 4_096) {
      sendError(response, 400, "command.refused", "a code is needed");
      return;
    }
    for (const method of [this.codes, ...(this.#options.signInMethods ?? [])]) {
      const who = await method.verify(secret);
      if (who === undefined) continue;
      this.#tries.right(from);
      this.#options.onSignIn?.({ person: who.person, method: method.name, from, ok: true });
      const { id, lifeS } = this.#sessions.begin(who);
      const cookie = `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Strict${this.#secure}; Max-Age=${lifeS}`;
      return sendJson(response, 200, { person: who.person, scopes: who.scopes }, { "set-cookie": cookie });
    }
    const isLocked = this.#tries.wrong(from);
    this.#options.onSignIn?.({ person: "", method: "", from, ok: false });
    if (isLocked) this.#options.logger.warn({ from }, "sign-in at the console is shut for this address: too many wrong codes");
    sendError(response, 401, "command.refused", "This code is wrong, was used already, or is older than ten minutes.");
  }

  #signOut(request: IncomingMessage, response: ServerResponse): void {
    this.#sessions.end(cookieOf(request.headers.cookie, cookieName) ?? "");
    sendJson(response, 200, {}, { "set-cookie": `${cookieName}=; Path=/; HttpOnly; SameSite=Strict${this.#secure}; Max-Age=0` });
  }

  get #secure(): string {
    return this.#options.tls === undefined ? "" : "; Secure";
  }

  #sessionOf(cookies: string | undefined): ConsoleSession | undefined {
    const id = cookieOf(cookies, cookieName);
    return id === undefined ? undefined : this.#sessions.find(id);
  }

  /** One request that meets a bug must not end the console: it is said loudly, and answered without details. */
  #failed(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    if (isGatewayError(error)) {
      sendError(response, 400, error.code, error.message);
      return;
    }
    if (request.destroyed) return;
    this.#options.logger.error({ error: error instanceof Error ? error.stack : "unknown" }, "a request at the console failed");
    sendError(response, 500, "command.refused", "The request failed; the gateway's log says why.");
  }
}

function refuse(socket: Socket, status: string, sentence: string): void {
  const body = `${sentence}\n`;
  const headers = `content-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`);
  socket.resume();
}
