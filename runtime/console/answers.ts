import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "#model/errors.ts";

const maxBodyBytes = 8_192;

const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const commonHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
  connection: "close",
};

/** JSON with the headers that every answer has. */
export function sendJson(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { ...commonHeaders, "content-type": "application/json; charset=utf-8", ...headers });
  response.end(text);
}

export function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { error: { code, message } });
}

/** A file of the page; unchanged ones cost a line. */
export function sendFile(request: IncomingMessage, response: ServerResponse, type: string, body: string): void {
  const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const headers = { ...commonHeaders, "content-type": type, etag: tag, "cache-control": "no-cache" };
  const isKnown = request.headers["if-none-match"] === tag;
  response.writeHead(isKnown ? 304 : 200, headers);
  response.end(isKnown ? undefined : body);
}

/** @throws GatewayError command.refused when it is no JSON object of at most 8 KiB */
export async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = "";
  request.setEncoding("utf8");
  for await (const piece of request) {
    text += String(piece);
    if (text.length > maxBodyBytes) throw new GatewayError("command.refused", { message: "the request is longer than 8 KiB" });
  }
  const value = parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new GatewayError("command.refused", { message: "a JSON object was expected" });
  return value as Readonly<Record<string, unknown>>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new GatewayError("command.refused", { message: "the request is not JSON", cause });
  }
}
