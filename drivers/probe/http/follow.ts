import { failed } from "../failure.ts";
import type { ProbeRun } from "../run.ts";
import type { CookieJar } from "./cookie-jar.ts";
import { exchange, type HttpAnswer, type HttpLimits, type HttpRequest } from "./exchange.ts";

const redirects = new Set([301, 302, 303, 307, 308]);

export interface Followed {
  readonly answer: HttpAnswer;
  /** Every URL that was asked, the first included. */
  readonly urls: readonly URL[];
}

/** Asks and follows redirects, with cookies; credentials never leave the origin they were meant for. @throws failed */
export async function follow(
  run: ProbeRun,
  first: HttpRequest,
  parts: {
    readonly limits: HttpLimits;
    readonly jar: CookieJar;
    readonly maxRedirects: number;
    readonly onAnswer: (answer: HttpAnswer) => void;
  },
): Promise<Followed> {
  const { jar, limits, maxRedirects, onAnswer } = parts;
  const urls: URL[] = [];
  let request = first;
  for (;;) {
    urls.push(request.url);
    const cookie = jar.header(request.url);
    const headers = cookie === undefined ? request.headers : { ...request.headers, cookie };
    const answer = await exchange(run, { ...request, headers }, limits);
    onAnswer(answer);
    jar.store(answer.setCookies, request.url, run.world.clock.now().wallMs);
    const location = answer.headers.location;
    if (maxRedirects === 0 || !redirects.has(answer.status) || location === undefined) return { answer, urls };
    if (urls.length > maxRedirects) {
      const isCircle = new Set(urls.map((url) => url.href)).size < urls.length;
      throw failed("answer", "redirects", `more than ${maxRedirects} redirects${isCircle ? ", in a circle" : ""}`);
    }
    request = redirected(request, answer.status, location);
  }
}

function redirected(request: HttpRequest, status: number, location: string): HttpRequest {
  const url = URL.parse(location.slice(0, 8_192), request.url);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw failed("answer", "redirects", "redirected to something that is no http or https URL");
  if (request.url.protocol === "https:" && url.protocol === "http:")
    throw failed("answer", "redirects", "redirected from https to http, which is not followed");
  const keepsMethod = status === 307 || status === 308 || request.method === "GET" || request.method === "HEAD";
  if (url.origin === request.url.origin) {
    return keepsMethod ? { ...request, url } : { url, method: "GET", headers: withoutContent(request.headers), body: undefined };
  }
  if (keepsMethod && request.body !== undefined)
    throw failed("answer", "redirects", "redirected to another origin with the request's body, which is not sent there");
  // A header of the configuration may be a key: another origin gets none of them.
  const headers = { "user-agent": request.headers["user-agent"] ?? "gatehouse-check/1", accept: "*/*" };
  return { url, method: keepsMethod ? request.method : "GET", headers, body: undefined };
}

function withoutContent(headers: HttpRequest["headers"]): HttpRequest["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-")));
}
