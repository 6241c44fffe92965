import { failed } from "../failure.ts";
import type { HttpStep } from "../settings/generated/http.ts";
import type { HttpRequest } from "./exchange.ts";
import type { Secrets } from "./secrets.ts";

/** Visible ASCII, space, tab and the upper half of Latin-1: what a header field may hold. */
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A step with its values filled in. @throws failed: request */
export function buildRequest(step: HttpStep, target: string, secrets: Secrets): HttpRequest {
  const url = parseUrl(secrets.fill(step.url, encodeURIComponent), target);
  const headers: Record<string, string> = { "user-agent": "gatehouse-check/1", accept: "*/*" };
  const body = bodyOf(step, secrets, headers);
  for (const [name, value] of Object.entries(step.headers ?? {})) headers[name.toLowerCase()] = secrets.fill(value);
  if (step.auth === "bearer") headers["authorization"] = `Bearer ${secrets.get("credential.token")}`;
  if (step.auth === "basic") {
    const pair = Buffer.from(`${secrets.get("credential.username")}:${secrets.get("credential.password")}`).toString("base64");
    secrets.hide(pair);
    headers["authorization"] = `Basic ${pair}`;
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!headerValue.test(value))
      throw failed("request", "bad-answer", `the value of the header field ${name} holds characters that HTTP does not allow`);
  }
  return { url, method: step.method, headers, body };
}

function parseUrl(text: string, target: string): URL {
  const url = URL.parse(text, target);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw failed("request", "bad-answer", "the URL of the step is none of http or https");
  return url;
}

function bodyOf(step: HttpStep, secrets: Secrets, headers: Record<string, string>): string | undefined {
  if (step.form !== undefined) {
    headers["content-type"] = "application/x-www-form-urlencoded";
    return new URLSearchParams(Object.entries(step.form).map(([name, value]): [string, string] => [name, secrets.fill(value)])).toString();
  }
  if (step.json !== undefined) {
    headers["content-type"] = "application/json";
    return JSON.stringify(step.json, (_key, value: unknown) => (typeof value === "string" ? secrets.fill(value) : value));
  }
  return step.body === undefined ? undefined : secrets.fill(step.body);
}
