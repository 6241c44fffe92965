import { once } from "node:events";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { GatewayError } from "#model/errors.ts";
import { LineStream, type SmtpReply } from "./line-stream.ts";
import type { MailEnvelope } from "./message.ts";

export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte (465); `starttls`: refused where the server does not offer it; `none`: clear text. */
  readonly security: "tls" | "starttls" | "none";
  readonly ca?: string;
  readonly username?: string;
  readonly password?: string;
  /** What EHLO says. */
  readonly clientName: string;
}

interface Dialogue {
  readonly stream: LineStream;
  /** Extensions of the last EHLO, upper case. */
  readonly extensions: readonly string[];
}

/** Hands over one mail. Aborting the signal closes the connection at once. @throws GatewayError notify.* or the signal's reason */
export async function sendMail(server: SmtpServer, envelope: MailEnvelope, message: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const sockets: Socket[] = [];
  const abort = () => {
    for (const socket of sockets) socket.destroy(new Error("aborted"));
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    await converse(server, envelope, message, sockets);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    for (const socket of sockets) socket.destroy();
  }
}

async function converse(server: SmtpServer, envelope: MailEnvelope, message: string, sockets: Socket[]): Promise<void> {
  let dialogue = await greet(server, sockets);
  if (server.security === "starttls") dialogue = await secure(server, dialogue, sockets);
  await authenticate(server, dialogue);
  const { stream } = dialogue;
  await command(stream, `MAIL FROM:<${addressOf(envelope.from)}>`, 250);
  for (const to of envelope.to) await command(stream, `RCPT TO:<${addressOf(to)}>`, 250, 251);
  await command(stream, "DATA", 354);
  await command(stream, `${message}.`, 250);
  // It is delivered; whether the server says goodbye changes nothing.
  stream.write("QUIT\r\n");
}

async function greet(server: SmtpServer, sockets: Socket[]): Promise<Dialogue> {
  const { host, port } = server;
  const socket = server.security === "tls" ? connectTls(tlsOptions(server, { host, port })) : connectTcp({ host, port });
  sockets.push(socket);
  await opened(socket, server.security === "tls" ? "secureConnect" : "connect");
  const stream = new LineStream(socket);
  expected(await stream.reply(), [220]);
  return { stream, extensions: await hello(stream, server) };
}

async function secure(server: SmtpServer, plain: Dialogue, sockets: Socket[]): Promise<Dialogue> {
  if (!plain.extensions.includes("STARTTLS")) {
    throw new GatewayError("notify.tls", { message: "the mail server does not offer STARTTLS; nothing was sent in clear text" });
  }
  await command(plain.stream, "STARTTLS", 220);
  const socket: TLSSocket = connectTls(tlsOptions(server, { socket: plain.stream.release() as Socket }));
  sockets.push(socket);
  await opened(socket, "secureConnect");
  const stream = new LineStream(socket);
  return { stream, extensions: await hello(stream, server) };
}

function tlsOptions(server: SmtpServer, to: { readonly host: string; readonly port: number } | { readonly socket: Socket }) {
  // RFC 6066: no server name for addresses; the certificate is still checked against the address.
  const name = isIP(server.host) === 0 ? { servername: server.host } : { host: server.host };
  return { ...to, ...name, minVersion: "TLSv1.2" as const, ...(server.ca === undefined ? {} : { ca: server.ca }) };
}

async function opened(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  try {
    await once(socket, event);
  } catch (cause) {
    const code = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? "") : "";
    const isTls = event === "secureConnect" && !/^(ECONN|EHOST|ENET|ENOTFOUND|EAI|ETIMEDOUT|EPIPE)/.test(code);
    throw new GatewayError(isTls ? "notify.tls" : "notify.unreachable", {
      message: `no connection to the mail server (${code || "unknown"})`,
      cause,
    });
  }
}

async function hello(stream: LineStream, server: SmtpServer): Promise<readonly string[]> {
  const reply = await command(stream, `EHLO ${server.clientName}`, 250);
  return reply.lines.slice(1).map((line) => line.toUpperCase());
}

async function authenticate(server: SmtpServer, { stream, extensions }: Dialogue): Promise<void> {
  const { username, password } = server;
  if (username === undefined || password === undefined) return;
  const methods = extensions.find((line) => line.startsWith("AUTH "))?.split(" ") ?? [];
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  if (methods.includes("PLAIN")) {
    await command(stream, `AUTH PLAIN ${base64(`\0${username}\0${password}`)}`, 235);
    return;
  }
  if (!methods.includes("LOGIN")) {
    throw new GatewayError("notify.refused", { message: "the mail server offers neither AUTH PLAIN nor AUTH LOGIN" });
  }
  await command(stream, "AUTH LOGIN", 334);
  await command(stream, base64(username), 334);
  await command(stream, base64(password), 235);
}

async function command(stream: LineStream, line: string, ...codes: readonly number[]): Promise<SmtpReply> {
  stream.write(`${line}\r\n`);
  return expected(await stream.reply(), codes);
}

/** 4yz = not now, 5yz = not so (RFC 5321 4.2.1). The server's own text stays out: it may quote what it was given. */
function expected(reply: SmtpReply, codes: readonly number[]): SmtpReply {
  if (codes.includes(reply.code)) return reply;
  const code = reply.code >= 500 ? "notify.refused" : "notify.unavailable";
  throw new GatewayError(code, { message: `the mail server answered ${reply.code}`, fields: { status: reply.code } });
}

/** `Duty <duty@example.org>` or `duty@example.org`. */
function addressOf(mailbox: string): string {
  return /<([^<>]+)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim();
}
