import { request as ask, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type AnswerCache, type KeptAnswer, maxKeptAnswerBytes } from "./answer-cache.ts";
import { joinStreams } from "./join-streams.ts";
import type { RemoteSession } from "./remote-editors.ts";

/** What a browser may tell the editor; cookies and origins of the NOC are none of its business. */
const passedUp = [
  ...["accept", "accept-language", "authorization", "content-type", "content-length", "if-none-match", "if-modified-since"],
  ...["node-red-api-version", "node-red-deployment-type", "x-requested-with"],
];
/** What the editor may tell a browser; it sets no cookies at the NOC and sends nobody elsewhere. */
const passedDown = ["content-type", "content-encoding", "content-length", "cache-control", "etag", "last-modified", "vary"];
const maxBodyBytes = 8 * 1_048_576;
const patienceMs = 60_000;

export interface Question {
  readonly session: RemoteSession;
  /** Below `/editor/`. */
  readonly path: string;
}

/** Carries one request to the gateway's editor and its answer back. */
export function forward(question: Question & { readonly cache: AnswerCache }, request: IncomingMessage, response: ServerResponse): void {
  const { session, path, cache } = question;
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) {
    response.writeHead(413).end();
    return;
  }
  const headers = upHeaders(request);
  const key = `${session.tenant}/${session.gateway} ${session.person} ${path} ${headers["accept"]} ${headers["accept-language"]}`;
  const isKept = request.method === "GET" && cache.isKept(path);
  const known = isKept ? cache.get(key) : undefined;
  if (known !== undefined) headers["if-none-match"] = known.tag;
  else if (isKept) delete headers["if-none-match"];
  const failed = () => {
    if (response.headersSent) response.destroy();
    else
      response
        .writeHead(504, { "content-type": "text/plain; charset=utf-8" })
        .end("The gateway does not answer. What you drew is still in this page.\n");
  };
  const signal = AbortSignal.timeout(patienceMs);
  const options = { agent: session.agent, method: request.method ?? "GET", path: `/editor/${path}`, headers, signal };
  const asked = ask(options, (answer) => {
    const down = downHeaders(answer);
    if (known !== undefined && answer.statusCode === 304) {
      answer.resume();
      sendKept(known, request, response);
      return;
    }
    if (response.destroyed) {
      answer.destroy();
      return;
    }
    response.writeHead(answer.statusCode ?? 502, down);
    if (isKept && answer.statusCode === 200) keep({ cache, key, headers: down }, answer);
    joinStreams(answer, response);
  });
  asked.on("error", failed);
  response.on("close", () => {
    if (!response.writableFinished) asked.destroy();
  });
  joinStreams(request, asked);
}

/** A WebSocket: the head is written as the browser would, then bytes go both ways. */
export function forwardUpgrade(
  { session, path }: Question,
  request: IncomingMessage,
  browser: { readonly socket: Duplex; readonly head: Buffer },
): void {
  const { socket, head } = browser;
  const stream = session.tunnel.connect();
  const lines = [`GET /editor/${path.replace(/[^\x21-\x7e]/g, "")} HTTP/1.1`, "host: gateway", "connection: Upgrade", "upgrade: websocket"];
  for (const name of ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"]) {
    const value = request.headers[name];
    if (typeof value === "string") lines.push(`${name}: ${value}`);
  }
  stream.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (head.length > 0) stream.write(head);
  joinStreams(socket, stream);
  joinStreams(stream, socket);
}

function upHeaders(request: IncomingMessage): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { host: "gateway" };
  for (const name of passedUp) if (request.headers[name] !== undefined) headers[name] = request.headers[name];
  return headers;
}

function downHeaders(answer: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of passedDown) {
    const value = answer.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  return headers;
}

function keep(
  into: { readonly cache: AnswerCache; readonly key: string; readonly headers: Readonly<Record<string, string>> },
  answer: IncomingMessage,
): void {
  const tag = into.headers["etag"];
  if (tag === undefined) return;
  const parts: Buffer[] = [];
  let bytes = 0;
  answer.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes <= maxKeptAnswerBytes) parts.push(part);
  });
  answer.on("end", () => {
    if (bytes <= maxKeptAnswerBytes) into.cache.put(into.key, { tag, headers: into.headers, body: Buffer.concat(parts) });
  });
}

function sendKept(known: KeptAnswer, request: IncomingMessage, response: ServerResponse): void {
  if (request.headers["if-none-match"] === known.tag) {
    response.writeHead(304, { etag: known.tag }).end();
    return;
  }
  response.writeHead(200, { ...known.headers, "content-length": known.body.length }).end(known.body);
}
