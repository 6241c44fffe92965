import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import { GatewayError } from "#model/errors.ts";
import type { ApiContext } from "./context.ts";

/** Bytes one listening page may leave unread before it is dropped. */
const maxUnreadBytes = 65_536;

/** The page's three files and its live feed. */
export function addPageRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get("/", async (_request, reply) => send(reply, "text/html; charset=utf-8", (await context.pages()).html));
  app.get("/app.js", async (request, reply) =>
    sendTagged(reply, request.headers["if-none-match"], "text/javascript; charset=utf-8", (await context.pages()).script),
  );
  app.get("/app.css", async (request, reply) =>
    sendTagged(reply, request.headers["if-none-match"], "text/css; charset=utf-8", (await context.pages()).style),
  );
  app.get("/api/live", async (_request, reply) => {
    const stream = reply.raw;
    const remove = context.feed.add({
      write: (text) => stream.write(text) || stream.writableLength < maxUnreadBytes,
      close: () => stream.destroy(),
    });
    if (remove === undefined) throw new GatewayError("noc.denied", { message: "too many pages are open" });
    reply.hijack();
    stream.on("close", remove);
    stream.on("error", remove);
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) stream.setHeader(name, value);
    stream.writeHead(200, { "content-type": "text/event-stream" });
    stream.write("event: hello\ndata: {}\n\n");
  });
}

function send(reply: FastifyReply, type: string, body: string): FastifyReply {
  return reply.type(type).send(body);
}

function sendTagged(reply: FastifyReply, known: string | undefined, type: string, body: string): FastifyReply {
  const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  void reply.headers({ etag: tag, "cache-control": "no-cache" });
  return known === tag ? reply.code(304).send() : send(reply, type, body);
}
