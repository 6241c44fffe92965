import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { type ErrorCode, GatewayError } from "#model/errors.ts";
import type { GuardedSocket } from "./guarded-stream.ts";

/** Keys and certificates as PEM. */
export interface TlsSettings {
  /** The only authority believed. Absent: those that Node brings along, for a broker with a public certificate. */
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Name the server's certificate must carry; default: the URL's host. */
  readonly servername?: string;
}

export interface BrokerAddress {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** Takes `mqtt://host[:port]` or `mqtts://host[:port]` apart. @throws GatewayError config.invalid */
export function parseBrokerUrl(url: string): BrokerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const secure = parsed?.protocol === "mqtts:";
  if (parsed === undefined || (!secure && parsed.protocol !== "mqtt:") || parsed.hostname === "") {
    throw new GatewayError("config.invalid", { message: "the uplink's URL must be mqtt://host[:port] or mqtts://host[:port]" });
  }
  const host = parsed.hostname.startsWith("[") ? parsed.hostname.slice(1, -1) : parsed.hostname;
  return { secure, host, port: parsed.port === "" ? (secure ? 8883 : 1883) : Number(parsed.port) };
}

/** Opens one connection; nothing is retried here. Happy eyeballs (RFC 8305) over all addresses of the name. */
export function openSocket(address: BrokerAddress, tls: TlsSettings | undefined, resolve: NameLookup): GuardedSocket {
  const { host, port } = address;
  const common = { host, port, lookup: resolve.lookup, autoSelectFamily: true, noDelay: true } as const;
  if (!address.secure) return { socket: connectTcp(common), readyEvent: "connect" };
  const servername = tls?.servername ?? (isIP(host) === 0 ? host : undefined);
  const socket = connectTls({
    ...common,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["mqtt"],
    rejectUnauthorized: true,
    ...(servername === undefined ? {} : { servername }),
    ...(tls?.ca === undefined ? {} : { ca: pem(tls.ca) }),
    ...(tls?.cert === undefined ? {} : { cert: pem(tls.cert) }),
    ...(tls?.key === undefined ? {} : { key: pem(tls.key) }),
  });
  return { socket, readyEvent: "secureConnect" };
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value);
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/**
 * Name resolution that a dead DNS server cannot turn against the rest of the process: getaddrinfo blocks one of the four threads that
 * files share, so at most one query is under way, and the last good answer serves while a new one cannot be had (the certificate, not
 * the address, says who the peer is).
 */
export class NameLookup {
  #pending: Promise<LookupAddress[]> | undefined;
  #known: readonly LookupAddress[] = [];
  readonly #query: (host: string) => Promise<LookupAddress[]>;

  /** @param query for tests of dead DNS; default getaddrinfo */
  constructor(query: (host: string) => Promise<LookupAddress[]> = resolveAll) {
    this.#query = query;
  }

  readonly lookup = (host: string, options: LookupOptions, done: LookupCallback): void => {
    this.#addresses(host).then(
      (addresses) => answer(addresses, options, done),
      (error: NodeJS.ErrnoException) => done(error, ""),
    );
  };

  async #addresses(host: string): Promise<readonly LookupAddress[]> {
    if (this.#pending !== undefined && this.#known.length > 0) return this.#known;
    this.#pending ??= this.#query(host).finally(() => {
      this.#pending = undefined;
    });
    try {
      this.#known = await this.#pending;
    } catch (error) {
      if (this.#known.length === 0) throw error;
    }
    return this.#known;
  }
}

function resolveAll(host: string): Promise<LookupAddress[]> {
  return new Promise((done, failed) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? done(addresses) : failed(error)));
  });
}

function answer(addresses: readonly LookupAddress[], options: LookupOptions, done: LookupCallback): void {
  const wanted = options.family === 4 || options.family === 6 ? addresses.filter((entry) => entry.family === options.family) : addresses;
  const [first] = wanted;
  if (first === undefined) done(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "");
  else if (options.all === true) done(null, [...wanted]);
  else done(null, first.address, first.family);
}

const unreachableCodes = new Set(
  "ECONNREFUSED ECONNRESET ECONNABORTED EHOSTUNREACH ENETUNREACH ENETDOWN EHOSTDOWN ETIMEDOUT ENOTFOUND EAI_AGAIN EPIPE EADDRNOTAVAIL EMFILE ENFILE EACCES EPERM".split(
    " ",
  ),
);

/** Which error a failed socket is. Whatever TLS has no system code for is a failed handshake. */
export function socketErrorCode(code: string | undefined, secure: boolean): ErrorCode {
  if (!secure || code === undefined || unreachableCodes.has(code)) return "uplink.unreachable";
  return "uplink.tls";
}
