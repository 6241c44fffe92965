import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance, FastifyReply } from "fastify";

/** What a repository may contain; nothing else below its folder is served. */
const names = [/^metadata\/(\d{1,9}\.(root|snapshot|targets)|timestamp)\.json$/, /^targets\/[\w-][\w.-]{0,80}(\/[\w-][\w.-]{0,80}){0,3}$/];

/**
 * The releases, for everybody who asks: they are signed, and what a gateway believes of them is decided by its own keys. Ranges, so that a
 * thin line goes on where it broke off.
 */
export function addReleaseRoutes(app: FastifyInstance, folder: string | undefined): void {
  if (folder === undefined) return;
  app.get<{ Params: { "*": string } }>("/releases/*", async (request, reply) => {
    const name = request.params["*"];
    const isKnown = !name.includes("..") && names.some((pattern) => pattern.test(name));
    const found = isKnown ? statSync(join(folder, name), { throwIfNoEntry: false }) : undefined;
    if (found === undefined || !found.isFile()) return reply.code(404).send({ error: { code: "noc.invalid", message: "no such file" } });
    return sendRange(reply, join(folder, name), found.size, request.headers.range);
  });
}

function sendRange(reply: FastifyReply, file: string, size: number, range: string | undefined): FastifyReply {
  const headers = { "accept-ranges": "bytes", "content-type": "application/octet-stream" };
  const match = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(range ?? "");
  if (match === null) return reply.headers({ ...headers, "content-length": size }).send(createReadStream(file));
  const start = Number(match[1]);
  const end = Math.min(match[2] === undefined ? size - 1 : Number(match[2]), size - 1);
  if (start > end)
    return reply
      .code(416)
      .headers({ ...headers, "content-range": `bytes */${size}` })
      .send();
  return reply
    .code(206)
    .headers({ ...headers, "content-length": end - start + 1, "content-range": `bytes ${start}-${end}/${size}` })
    .send(createReadStream(file, { start, end }));
}
