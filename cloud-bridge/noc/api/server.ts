import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type ErrorCode, GatewayError, isGatewayError } from "#model/errors.ts";
import { addAlarmRoutes } from "./alarm-routes.ts";
import { cookieOf, Gatekeeper, sessionCookie } from "./auth.ts";
import { addAuthorityRoutes } from "./authority-routes.ts";
import { addConnectorRoutes } from "./connector-routes.ts";
import type { ApiContext, ApiOptions } from "./context.ts";
import { addDataRoutes } from "./data-routes.ts";
import { addEditorRoutes } from "./editor-routes.ts";
import { addPageRoutes } from "./page-routes.ts";
import { addReleaseRoutes } from "./release-routes.ts";
import { addReleasesRoute, addRolloutRoutes } from "./rollout-routes.ts";
import { addCatalogueRoute, addServiceRoutes } from "./service-routes.ts";
import { addSessionRoutes } from "./session-routes.ts";

export interface ApiServer {
  readonly url: Promise<string>;
  signInLink(): Promise<string>;
  run(signal: AbortSignal): Promise<void>;
}

const statusOf: Readonly<Partial<Record<ErrorCode, number>>> = {
  "noc.denied": 401,
  "noc.invalid": 400,
  "noc.store-busy": 503,
  "noc.store": 503,
  "noc.unreachable": 502,
};

/** Nothing from elsewhere, nothing inline, no framing: the page is three files of this server. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function createApi(options: ApiOptions): ApiServer {
  const gatekeeper = new Gatekeeper(options.token, options.clock, options.entropy, options.logger);
  const listening = Promise.withResolvers<string>();
  listening.promise.catch(() => undefined);
  return {
    url: listening.promise,
    signInLink: async () => `${await listening.promise}/#sign-in=${gatekeeper.newLink()}`,
    async run(signal) {
      const url = { value: "" };
      const app = buildApp({ ...options, gatekeeper, signal, url: () => url.value });
      try {
        url.value = await listen(app, options.listen);
        listening.resolve(url.value);
        await Promise.race([options.feed.run(options.clock, signal), aborted(signal)]);
      } catch (error) {
        listening.reject(error);
        throw error;
      } finally {
        options.feed.closeAll();
        await app.close();
      }
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function listen(app: FastifyInstance, address: { readonly host: string; readonly port: number }): Promise<string> {
  try {
    await app.listen({ host: address.host, port: address.port, backlog: 128 });
  } catch (cause) {
    const code: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const fields = { host: address.host, port: address.port };
    if (code === "EADDRINUSE") throw new GatewayError("host.port-in-use", { cause, fields });
    if (code === "EACCES" || code === "EADDRNOTAVAIL")
      throw new GatewayError("host.denied", { cause, fields: { ...fields, code: String(code) } });
    throw cause;
  }
  const [bound] = app.addresses();
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `http://${host}:${typeof bound === "object" ? bound.port : address.port}`;
}

function buildApp(context: ApiContext): FastifyInstance {
  const app = Fastify({
    bodyLimit: 8_192,
    connectionTimeout: 30_000,
    requestTimeout: 30_000,
    // Longer than a proxy in front or a client keeps an idle connection (60 s is usual): who closes first must not be us, or a request is lost.
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
    return503OnClosing: true,
    routerOptions: { maxParamLength: 128 },
    ajv: { customOptions: { coerceTypes: true, removeAdditional: false } },
  });
  app.server.maxConnections = 256;
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers({
      "content-security-policy": contentPolicy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    });
    checkHost(request, context);
    if (request.url.startsWith("/api/") && !request.url.startsWith("/api/session")) authorise(request, context);
  });
  app.addHook("preHandler", async (request) => checkNumbers(request));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, context));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: { code: "noc.invalid", message: "no such address" } }));
  addSessionRoutes(app, context);
  addDataRoutes(app, context);
  addConnectorRoutes(app, context);
  addReleaseRoutes(app, context.releases);
  addReleasesRoute(app, context);
  if (context.authority !== undefined) addAuthorityRoutes(app, context, context.authority);
  addCatalogueRoute(app, context.services);
  if (context.authority !== undefined && context.services !== undefined)
    addServiceRoutes(app, context, context.authority, context.services);
  if (context.authority !== undefined && context.rollouts !== undefined)
    addRolloutRoutes(app, context, context.authority, context.rollouts);
  if (context.authority !== undefined) addEditorRoutes(app, context, context.authority);
  addAlarmRoutes(app, context);
  addPageRoutes(app, context);
  return app;
}

/** What the validator makes of "1e999" is Infinity, which it holds against no maximum. */
function checkNumbers({ query, params }: FastifyRequest): void {
  for (const value of [query, params].flatMap((one) => Object.values(Object(one))))
    if (typeof value === "number" && !Number.isFinite(value))
      throw new GatewayError("noc.invalid", { message: "a number in the address is too large" });
}

/** Against DNS rebinding: a name that resolves to us does not make a page our page. */
function checkHost(request: FastifyRequest, context: ApiContext): void {
  const host = (request.headers.host ?? "").toLowerCase().replace(/:\d+$/, "");
  const own = new Set(["127.0.0.1", "localhost", "[::1]", context.listen.host.toLowerCase(), ...(context.allowedHosts ?? [])]);
  if (!own.has(host)) throw new GatewayError("noc.denied", { message: "this server does not answer to that host name" });
  const origin = request.headers.origin;
  if (origin !== undefined && request.method !== "GET" && hostOf(origin) !== request.headers.host?.toLowerCase()) {
    throw new GatewayError("noc.denied", { message: "requests of other sites are refused" });
  }
}

/** Host and port of an Origin header; a proxy in front may have spoken TLS with the browser. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function authorise(request: FastifyRequest, context: ApiContext): void {
  const { gatekeeper } = context;
  const session = cookieOf(request.headers.cookie, sessionCookie);
  if (session !== undefined && gatekeeper.isSession(session)) return;
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/.exec(request.headers.authorization ?? "")?.[1];
  if (bearer === undefined) throw new GatewayError("noc.denied", { message: "sign in first" });
  if (context.authority?.operatorOf(bearer) !== undefined) return;
  if (!gatekeeper.isToken(bearer)) throw new GatewayError("noc.denied", { message: "the token is wrong" });
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, context: ApiContext): FastifyReply {
  if (isGatewayError(error)) {
    return reply.code(statusOf[error.code] ?? 500).send({ error: { code: error.code, message: error.message, help: error.help } });
  }
  const status = error instanceof Error && "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : 500;
  if (status < 500)
    return reply.code(status).send({ error: { code: "noc.invalid", message: error instanceof Error ? error.message : "bad request" } });
  // One request that meets a bug must not take ingest down with it: it is said loudly, and answered without details.
  context.logger.error(
    { method: request.method, route: request.routeOptions.url, error: error instanceof Error ? error.stack : "unknown" },
    "a request failed",
  );
  return reply.code(500).send({ error: { code: "noc.store", message: "the request failed" } });
}
