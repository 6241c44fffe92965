import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
// biome-ignore lint/suspicious/noTsIgnore: the package has no types; an expected error would break where somebody adds them
// @ts-ignore
import untyped from "net-snmp";
import type { AuthProtocol, PrivProtocol } from "#model/equipment.ts";
import { type ErrorCode, GatewayError, isGatewayError } from "#model/errors.ts";
import type { SnmpTarget } from "#ports/snmp.ts";

// What of net-snmp 3.29.2 the reference engine touches, typed by hand. The only file here with assertions.

export interface NetSnmpVarbind {
  readonly oid: string;
  readonly type: number;
  readonly value?: unknown;
}

type Callback<T> = (error: Error | null, value: T) => void;

export interface NetSnmpSession {
  get(oids: readonly string[], done: Callback<readonly NetSnmpVarbind[]>): void;
  getNext(oids: readonly string[], done: Callback<readonly NetSnmpVarbind[]>): void;
  getBulk(
    oids: readonly string[],
    nonRepeaters: number,
    maxRepetitions: number,
    done: Callback<readonly (readonly NetSnmpVarbind[])[]>,
  ): void;
  set(varbinds: readonly NetSnmpVarbind[], done: Callback<readonly NetSnmpVarbind[]>): void;
  on(event: "error", listener: (error: Error) => void): void;
  close(): void;
}

interface NetSnmp {
  readonly Version1: number;
  readonly Version2c: number;
  readonly SecurityLevel: Readonly<Record<"noAuthNoPriv" | "authNoPriv" | "authPriv", number>>;
  readonly AuthProtocols: Readonly<Record<string, number>>;
  readonly PrivProtocols: Readonly<Record<string, number>>;
  createSession(address: string, community: string, options: object): NetSnmpSession;
  createV3Session(address: string, user: object, options: object): NetSnmpSession;
}

const netSnmp = untyped as unknown as NetSnmp;

const authNames: Readonly<Record<AuthProtocol, string>> = {
  md5: "md5",
  sha1: "sha",
  sha224: "sha224",
  sha256: "sha256",
  sha384: "sha384",
  sha512: "sha512",
};
const privNames: Partial<Record<PrivProtocol, string>> = { aes128: "aes", aes256: "aes256b", "aes256-cisco": "aes256r" };

/** Counts what the guard around the library's socket saw. */
export interface GuardCounts {
  bytesIn: number;
  bytesOut: number;
  forged: number;
  malformed: number;
}

/**
 * A session of the library behind a guard: datagrams from elsewhere never reach it, and what it throws on a datagram ends there (a Report in
 * v2c makes it throw out of the socket's event). Callbacks that are lost that way are the caller's deadline's business.
 * @throws GatewayError driver.unsupported for protocols that the library lacks
 */
export function openNetSnmpSession(target: SnmpTarget, address: string, counts: GuardCounts): NetSnmpSession {
  const { credential, port, retries, timeoutMs: timeout } = target;
  const dgramModule = { createSocket: (type: "udp4" | "udp6") => guard(createSocket(type), { address, port }, counts) };
  const transport = address.includes(":") ? "udp6" : "udp4";
  const options = { port, retries, timeout, transport, dgramModule, reportOidMismatchErrors: true, backwardsGetNexts: false };
  const session =
    credential.version === "3"
      ? netSnmp.createV3Session(address, userOf(credential), { ...options, context: credential.context ?? "" })
      : netSnmp.createSession(address, credential.community, {
          ...options,
          version: credential.version === "1" ? netSnmp.Version1 : netSnmp.Version2c,
        });
  session.on("error", () => {
    counts.malformed += 1;
  });
  return session;
}

function userOf({ user, auth, priv }: Extract<SnmpTarget["credential"], { version: "3" }>): object {
  const level = priv !== undefined ? "authPriv" : auth !== undefined ? "authNoPriv" : "noAuthNoPriv";
  const privName = priv === undefined ? undefined : privNames[priv.protocol];
  if (priv !== undefined && privName === undefined) {
    throw new GatewayError("driver.unsupported", { message: `npm net-snmp cannot do ${priv.protocol} on this runtime` });
  }
  return {
    name: user,
    level: netSnmp.SecurityLevel[level],
    ...(auth === undefined ? {} : { authProtocol: netSnmp.AuthProtocols[authNames[auth.protocol]], authKey: auth.key }),
    ...(priv === undefined ? {} : { privProtocol: netSnmp.PrivProtocols[privName ?? ""], privKey: priv.key }),
  };
}

function guard(socket: Socket, peer: { readonly address: string; readonly port: number }, counts: GuardCounts): Socket {
  const on = socket.on.bind(socket) as (event: string, listener: (...values: never[]) => void) => Socket;
  const send = socket.send.bind(socket) as (...values: unknown[]) => void;
  const guarded = {
    on(event: string, listener: (...values: unknown[]) => void): Socket {
      if (event !== "message") return on(event, listener);
      return on(event, (bytes: Buffer, from: RemoteInfo) => {
        if (from.address !== peer.address || from.port !== peer.port) counts.forged += 1;
        else deliver(() => listener(bytes, from), bytes, counts);
      });
    },
    send(bytes: Buffer, ...rest: unknown[]): void {
      counts.bytesOut += bytes.length;
      send(bytes, ...rest);
    },
  };
  return Object.assign(socket, guarded);
}

function deliver(work: () => void, bytes: Buffer, counts: GuardCounts): void {
  counts.bytesIn += bytes.length;
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    counts.malformed += 1;
  }
}

/** ResponseInvalidCode.EAuthFailure. */
const authFailure = 5;

/** The library's error as one of ours. Its own object is dropped: for authentication errors it carries the user's keys. */
export function translate(error: unknown): GatewayError {
  if (isGatewayError(error)) return error;
  const { name, code } = error as { name?: string; code?: number };
  const codes: Readonly<Record<string, ErrorCode>> = {
    RequestTimedOutError: "driver.timeout",
    RequestFailedError: "driver.refused",
    ResponseInvalidError: code === authFailure ? "driver.auth" : "driver.bad-answer",
  };
  return new GatewayError(codes[name ?? ""] ?? "driver.bad-answer", { message: `net-snmp: ${name}` });
}

/** error-status of a RequestFailedError; 0 for other errors. */
export function failedStatus(error: unknown): number {
  const { name, status } = error as { name?: string; status?: unknown };
  return name === "RequestFailedError" && typeof status === "number" ? status : 0;
}
