import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
// biome-ignore lint/suspicious/noTsIgnore: the package has no types; an expected error would break where somebody adds them
// @ts-ignore
import untyped from "net-snmp";
import type { AnsweredVarbind } from "./answering.ts";

// What of net-snmp 3.29.2 the simulated agents touch, typed by hand. The only file here with assertions.

export interface NetSnmpPdu {
  readonly id: number;
  readonly type: number;
  readonly nonRepeaters: number;
  readonly maxRepetitions: number;
  readonly varbinds: readonly { readonly oid: string; readonly type: number; readonly value: unknown }[];
  getResponsePduForRequest(): { varbinds: readonly AnsweredVarbind[]; errorStatus?: number; errorIndex?: number };
}

export interface NetSnmpUser {
  readonly name: string;
  readonly level: number;
  readonly authProtocol?: number;
  readonly authKey?: string;
  readonly privProtocol?: number;
  readonly privKey?: string;
}

export interface NetSnmpMessage {
  readonly version: 0 | 1 | 3;
  readonly community?: string;
  user?: NetSnmpUser;
  readonly pdu: NetSnmpPdu;
  readonly msgGlobalData?: { readonly msgMaxSize: number };
  readonly msgSecurityParameters?: {
    readonly msgAuthoritativeEngineID: Buffer;
    msgAuthoritativeEngineBoots: number;
    msgAuthoritativeEngineTime: number;
    msgUserName: string;
  };
  hasAuthentication(): boolean;
  setAuthentication(on: boolean): void;
  setReportable(on: boolean): void;
  createReportResponseMessage(engine: NetSnmpEngine, context: string, errorType: string): NetSnmpMessage;
}

export interface NetSnmpEngine {
  readonly engineID: Buffer;
  engineBoots: number;
  engineTime: number;
}

type RequestHandler = (socket: Socket, message: NetSnmpMessage, remote: RemoteInfo) => void;

export interface NetSnmpAgent {
  readonly engine: NetSnmpEngine;
  readonly listener: { send(message: NetSnmpMessage, remote: RemoteInfo, socket: Socket): void };
  getAuthorizer(): {
    addCommunity(name: string): void;
    deleteCommunity(name: string): void;
    addUser(user: NetSnmpUser): void;
  };
  sendResponse(socket: Socket, remote: RemoteInfo, request: NetSnmpMessage, response: unknown): void;
  getRequest: RequestHandler;
  getNextRequest: RequestHandler;
  getBulkRequest: RequestHandler;
  setRequest: RequestHandler;
}

export interface NetSnmpTrapSession {
  trap(
    oid: string,
    varbinds: readonly AnsweredVarbind[],
    options: { readonly upTime: number },
    done: (error: Error | null | undefined) => void,
  ): void;
}

interface DatagramModule {
  createSocket(type: "udp4" | "udp6"): Socket;
}

interface NetSnmp {
  createAgent(options: Readonly<Record<string, unknown>>, callback: (error: Error | null) => void): NetSnmpAgent;
  createSession(target: string, community: string, options: Readonly<Record<string, unknown>>): NetSnmpTrapSession;
}

const netSnmp = untyped as unknown as NetSnmp;

export const pduType = { get: 0xa0, getNext: 0xa1, set: 0xa3, getBulk: 0xa5 } as const;
export const reportReason = { notInTimeWindow: "2", unknownEngineId: "4", wrongDigests: "5" } as const;

/** SHA-256 and AES-128, the pair that one device of the site speaks. */
export function authPrivUser(name: string, authKey: string, privKey: string): NetSnmpUser {
  return { name, level: 3, authProtocol: 5, authKey, privProtocol: 4, privKey };
}

export interface GuardedAgent {
  readonly agent: NetSnmpAgent;
  readonly socket: Socket;
}

/**
 * net-snmp's agent on a socket whose listener cannot bring the process down: a datagram that makes the library throw is
 * dropped and counted.
 */
export function openGuardedAgent(options: {
  readonly host: string;
  readonly port: number;
  readonly engineId: string;
  /** Before the library sees a datagram; false = ignore it. */
  readonly admit: () => boolean;
  /** Refused (community, user, digest) or not understood; `error` may carry keys and is never logged. */
  readonly onBroken: (error: unknown) => void;
}): GuardedAgent {
  let opened: Socket | undefined;
  const dgramModule: DatagramModule = {
    createSocket(type) {
      const socket = createSocket(type);
      guardMessages(socket, options.admit, options.onBroken);
      opened = socket;
      return socket;
    },
  };
  const transport = options.host.includes(":") ? "udp6" : "udp4";
  const agent = netSnmp.createAgent(
    // As text, because the library takes the number 0 (any free port) for "not given".
    { port: String(options.port), address: options.host, transport, engineID: options.engineId, disableAuthorization: false, dgramModule },
    (error) => {
      if (error !== null) options.onBroken(error);
    },
  );
  if (opened === undefined) throw new Error("net-snmp did not open its socket through the injected module");
  return { agent, socket: opened };
}

/** A net-snmp session that sends its traps from an agent's own socket, so that the source port names the device. */
export function openTrapSession(
  socket: Socket,
  target: { readonly host: string; readonly port: number },
  community: string,
): NetSnmpTrapSession {
  const facade = {
    // The agent owns the socket: the session may neither listen on it nor close it.
    unref: () => undefined,
    on: () => undefined,
    close: () => undefined,
    send: socket.send.bind(socket),
  };
  return netSnmp.createSession(target.host, community, {
    version: 1,
    trapPort: target.port,
    dgramModule: { createSocket: () => facade },
  });
}

function guardMessages(socket: Socket, admit: () => boolean, onBroken: (error: unknown) => void): void {
  const plainOn = socket.on.bind(socket) as (event: string, listener: (...args: unknown[]) => void) => Socket;
  const guardedOn = (event: string, listener: (...args: unknown[]) => void): Socket => {
    if (event !== "message") return plainOn(event, listener);
    return plainOn(event, (...args) => {
      if (!admit()) return;
      try {
        listener(...args);
      } catch (error) {
        onBroken(error);
      }
    });
  };
  socket.on = guardedOn as Socket["on"];
}
