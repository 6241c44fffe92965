import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type { AuthProtocol, PrivProtocol } from "../../runtime/model/equipment.ts";

// net-snmp's own agent, as a second opinion on USM: it shares no line with snmpd. Untyped library: the assertions are here.

interface Library {
  readonly AuthProtocols: Readonly<Record<string, number>>;
  readonly PrivProtocols: Readonly<Record<string, number>>;
  readonly SecurityLevel: Readonly<Record<string, number>>;
  readonly ObjectType: Readonly<Record<string, number>>;
  readonly MibProviderType: Readonly<Record<string, number>>;
  readonly MaxAccess: Readonly<Record<string, number>>;
  createAgent(options: object, callback: (error: Error | null) => void, mib: unknown): Agent;
  createMib(): Mib;
}

interface Agent {
  getAuthorizer(): { addUser(user: object): void; addCommunity(name: string): void };
  registerProvider(provider: object): void;
  getMib(): { setScalarValue(name: string, value: unknown): void };
  close(done?: () => void): void;
  readonly listener: { readonly sockets: Readonly<Record<string, import("node:dgram").Socket>> };
}

type Mib = object;

const library = createRequire(import.meta.url)("net-snmp") as Library;

const authNames: Readonly<Record<AuthProtocol, string>> = {
  md5: "md5",
  sha1: "sha",
  sha224: "sha224",
  sha256: "sha256",
  sha384: "sha384",
  sha512: "sha512",
};
const privNames: Partial<Record<PrivProtocol, string>> = { des: "des", aes128: "aes", aes256: "aes256b", "aes256-cisco": "aes256r" };

export interface NpmAgentUser {
  readonly name: string;
  readonly auth: AuthProtocol;
  readonly priv: PrivProtocol;
  readonly authKey: string;
  readonly privKey: string;
}

export interface NpmAgent {
  readonly port: number;
  close(): Promise<void>;
}

/** The scalar that the agent serves, and its value. */
export const npmScalar = { oid: "1.3.6.1.4.1.8072.9999.1.0", value: 4_000_000_001 } as const;

export async function startNpmAgent(port: number, users: readonly NpmAgentUser[]): Promise<NpmAgent> {
  const agent = library.createAgent({ port, address: "127.0.0.1", disableAuthorization: false }, () => undefined, library.createMib());
  agent.getAuthorizer().addCommunity("public");
  for (const user of users) {
    agent.getAuthorizer().addUser({
      name: user.name,
      level: library.SecurityLevel["authPriv"],
      authProtocol: library.AuthProtocols[authNames[user.auth]],
      authKey: user.authKey,
      privProtocol: library.PrivProtocols[privNames[user.priv] ?? ""],
      privKey: user.privKey,
    });
  }
  agent.registerProvider({
    name: "testScalar",
    type: library.MibProviderType["Scalar"],
    oid: npmScalar.oid.replace(/\.0$/, ""),
    scalarType: library.ObjectType["Counter"],
    maxAccess: library.MaxAccess["read-only"],
  });
  agent.getMib().setScalarValue("testScalar", npmScalar.value);
  const socket = Object.values(agent.listener.sockets)[0];
  if (socket !== undefined && !isBound(socket)) await once(socket, "listening");
  return { port, close: () => new Promise((resolve) => agent.close(() => resolve())) };
}

function isBound(socket: import("node:dgram").Socket): boolean {
  try {
    return (socket.address() as AddressInfo).port > 0;
  } catch {
    return false; // not bound yet
  }
}
