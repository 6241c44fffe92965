import { lookup as resolve } from "node:dns";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { OrderRefused } from "./order-refused.ts";

const maxHeaderBytes = 16 * 1024;
const maxHeaders = 32;

/** Where no flow may ever call: this machine, link-local (cloud metadata lies there), multicast, nowhere. */
const forbidden = { ipv4: new BlockList(), ipv6: new BlockList() } as const;
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 3],
  ["100.100.100.200", 32],
  ["192.0.0.192", 32],
] as const)
  forbidden.ipv4.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of [
  ["::", 127],
  ["fe80::", 10],
  ["ff00::", 8],
  ["fd00:ec2::", 32],
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
] as const)
  forbidden.ipv6.addSubnet(net, prefix, "ipv6");

export interface HttpCall {
  readonly method: string;
  readonly url: string;
  /** Names that may be called; empty = the host of `url`. */
  readonly hosts: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** Those that hold a secret: they go to the origin of `url` only, never along a redirect to another. */
  readonly secretHeaders: readonly string[];
  readonly body: string | undefined;
  readonly maxBytes: number;
  readonly redirects: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One bounded request on behalf of a flow. @param isForbiddenHost further names and addresses @throws OrderRefused */
export async function httpCall(call: HttpCall, isForbiddenHost: (host: string) => boolean, signal: AbortSignal): Promise<HttpAnswer> {
  let url = parsed(call.url);
  const { origin } = url;
  const hosts = call.hosts.length > 0 ? call.hosts : [url.hostname];
  for (let hops = 0; ; hops += 1) {
    if (!hosts.includes(url.hostname)) throw new OrderRefused("E_HOST", `${url.hostname} is not among the hosts of this node`);
    if (isForbiddenHost(url.hostname)) throw new OrderRefused("E_HOST", `${url.hostname} is the NOC or this gateway`);
    const answer = await once(url.origin === origin ? call : withoutSecrets(call), url, isForbiddenHost, signal);
    const location = answer.headers["location"];
    if (answer.status < 300 || answer.status > 399 || location === undefined || hops >= call.redirects) return answer;
    url = parsed(new URL(location, url).href);
  }
}

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new OrderRefused("E_ARGUMENT", "url must be http:// or https://");
  if (url.username !== "" || url.password !== "") throw new OrderRefused("E_ARGUMENT", "no user or password in the url: name a secret");
  return url;
}

/** Whether an address may be called at all. */
export function isForbiddenAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, "").replace(/^::ffff:(?=\d+\.)/i, "");
  const family = isIP(plain);
  if (family === 0) return false;
  // Two lists: in one, a net of mapped addresses (::ffff:0:0/96) would match every IPv4 address there is.
  if (family === 4 ? forbidden.ipv4.check(plain, "ipv4") : forbidden.ipv6.check(plain, "ipv6")) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((own) => own.address === plain) === true);
}

function once(call: HttpCall, url: URL, isForbiddenHost: (host: string) => boolean, signal: AbortSignal): Promise<HttpAnswer> {
  if (isForbiddenAddress(url.hostname))
    return Promise.reject(new OrderRefused("E_HOST", `${url.hostname} is not an address that flows may call`));
  return new Promise((resolveCall, reject) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request: ClientRequest = send(
      url,
      {
        method: call.method,
        headers: { "user-agent": "gatehouse", ...Object.fromEntries(Object.entries(call.headers).slice(0, maxHeaders)) },
        signal,
        agent: false,
        maxHeaderSize: maxHeaderBytes,
        // What a name resolves to is looked at where the connection is made, so that it cannot change in between.
        lookup: (name, options, done) => {
          resolve(name, { ...options, all: true }, (error, addresses) => {
            if (error !== null) return done(error, []);
            const allowed = addresses.filter(({ address }) => !isForbiddenAddress(address) && !isForbiddenHost(address));
            const first = allowed[0];
            if (first === undefined) return done(new OrderRefused("E_HOST", `${name} resolves to an address that flows may not call`), []);
            if (options.all === true) done(null, allowed);
            else done(null, first.address, first.family);
          });
        },
      },
      (response) => collect(response, call.maxBytes).then(resolveCall, reject),
    );
    request.on("error", (error: NodeJS.ErrnoException) =>
      reject(error instanceof OrderRefused ? error : new OrderRefused("E_HTTP", `no answer: ${error.code ?? error.message}`)),
    );
    request.end(call.body);
  });
}

function withoutSecrets(call: HttpCall): HttpCall {
  return { ...call, headers: Object.fromEntries(Object.entries(call.headers).filter(([name]) => !call.secretHeaders.includes(name))) };
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<HttpAnswer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) {
      response.destroy();
      throw new OrderRefused("E_TOO_LARGE", `the answer has more than ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
  return { status: response.statusCode ?? 0, headers, body: Buffer.concat(parts).toString("utf8") };
}
