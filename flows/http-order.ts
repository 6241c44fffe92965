import type { Clock } from "#ports/clock.ts";
import type { Arguments } from "./arguments.ts";
import { type HttpAnswer, type HttpCall, httpCall } from "./http-call.ts";
import { OrderRefused } from "./order-refused.ts";

const placeholder = "{{secret}}";
const hidden = "[secret]";
const maxBodyBytes = 262_144;

export interface HttpOrder {
  readonly clock: Clock;
  readonly isForbiddenHost: (host: string) => boolean;
  /** In clear, only here; undefined = the node names none. */
  readonly secret: string | undefined;
}

/** One request of a flow: the secret is put in here and taken out of the answer here. @throws OrderRefused */
export async function httpOrder(args: Arguments, order: HttpOrder, signal: AbortSignal): Promise<HttpAnswer> {
  const { clock, isForbiddenHost, secret } = order;
  const timeoutMs = args.number("timeoutMs", { min: 100, max: 30_000, standard: 10_000 });
  const body = args.raw("body");
  const headers = withSecret(args.object("headers", 4_096), secret);
  const call: HttpCall = {
    method: args.oneOf("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const, "GET"),
    url: args.text("url", { max: 2_048 }),
    hosts: args.list("hosts", 16).map(String),
    headers,
    secretHeaders: Object.keys(headers).filter((name) => secret !== undefined && headers[name]?.includes(secret)),
    body: body === undefined || body === null ? undefined : (typeof body === "string" ? body : JSON.stringify(body)).slice(0, maxBodyBytes),
    maxBytes: args.number("maxBytes", { min: 0, max: 1_048_576, standard: 65_536 }),
    redirects: args.number("redirects", { min: 0, max: 3, standard: 0 }),
  };
  const stop = new AbortController();
  clock.sleep(timeoutMs, stop.signal).then(
    () => stop.abort(new OrderRefused("E_TIMEOUT", `no answer within ${timeoutMs} ms`)),
    () => undefined,
  );
  try {
    return withoutSecret(await httpCall(call, isForbiddenHost, AbortSignal.any([signal, stop.signal])), secret);
  } finally {
    stop.abort(new Error("done"));
  }
}

function withSecret(headers: Readonly<Record<string, unknown>>, secret: string | undefined): Readonly<Record<string, string>> {
  const given = Object.entries(headers).map(([name, value]) => [name, typeof value === "object" ? "" : String(value)] as const);
  if (secret === undefined) return Object.fromEntries(given);
  const isNamed = given.some(([, value]) => value.includes(placeholder));
  const put = given.map(([name, value]) => [name, value.replaceAll(placeholder, () => secret)] as const);
  return Object.fromEntries(isNamed ? put : [...put, ["authorization", `Bearer ${secret}`]]);
}

/** Some servers tell a caller what it sent, in one writing or another. A flow must not learn its secret that way. */
export function withoutSecret(answer: HttpAnswer, secret: string | undefined): HttpAnswer {
  if (secret === undefined || secret === "") return answer;
  const forms = formsOf(secret);
  const redacted = (text: string) => forms.reduce((rest, form) => rest.replaceAll(form, hidden), text);
  const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [redacted(name), redacted(value)]));
  return { status: answer.status, headers, body: redacted(answer.body) };
}

/** Writings of a secret in which it could be told. The longest first: what holds another must not be cut into pieces. */
export function formsOf(secret: string): readonly string[] {
  const inner = basicParts(secret);
  const forms = [secret, ...inner].flatMap((text) => {
    const bytes = Buffer.from(text);
    // Base64 of the text inside of something longer: at each of the three places it can begin, without what its neighbours change.
    const shifted = [0, 1, 2].map((before) => {
      const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64url");
      return encoded.slice(before === 0 ? 0 : before + 1, encoded.length - ((before + bytes.length) % 3 === 0 ? 0 : 1));
    });
    const inUrl = encodeURIComponent(text);
    return [
      ...[text, bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex"), bytes.toString("hex").toUpperCase()],
      ...shifted.flatMap((form) => [form, form.replaceAll("-", "+").replaceAll("_", "/")]).filter((form) => form.length >= 6),
      ...[inUrl, inUrl.replaceAll(/%[0-9A-F]{2}/g, (one) => one.toLowerCase()), inUrl.replaceAll("%20", "+")],
      ...[JSON.stringify(text).slice(1, -1), text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")],
    ];
  });
  return [...new Set(forms)].filter((form) => form !== "").toSorted((a, b) => b.length - a.length);
}

/** A secret for `Basic`: a server may tell the name and the password in clear. */
function basicParts(secret: string): readonly string[] {
  const text = Buffer.from(secret, "base64").toString("utf8");
  if (Buffer.from(text).toString("base64") !== secret || !/^[ -~]+$/.test(text)) return [];
  const colon = text.indexOf(":");
  return colon < 0 ? [text] : [text, text.slice(colon + 1)];
}
