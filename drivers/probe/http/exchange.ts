import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as startRequest } from "node:http";
import type { Socket } from "node:net";
import { failed, socketFailure } from "../failure.ts";
import { orEnd, type ProbeRun, rounded } from "../run.ts";
import { printable } from "../stream/certificate.ts";
import { connect, countStream, saidOf } from "../stream/connect.ts";
import { handshake, type TlsDemands } from "../stream/handshake.ts";

export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface HttpLimits {
  readonly maxBodyBytes: number;
  readonly tls: Omit<TlsDemands, "serverName"> & { readonly serverName?: string };
}

/** Where the time went, milliseconds. */
export interface HttpPhases {
  readonly resolve: number;
  readonly connect: number;
  readonly tls: number;
  /** From the request to the end of the answer's header. */
  readonly firstByte: number;
  readonly transfer: number;
  readonly total: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly setCookies: readonly string[];
  readonly body: Buffer;
  /** The body was longer than what was read. */
  readonly isCut: boolean;
  readonly phases: HttpPhases;
}

/** The header of an answer as a whole; beyond it the connection is cut. */
const maxHeaderBytes = 32_768;

/** One request on a connection of its own. @throws failed: resolve .. answer */
export async function exchange(run: ProbeRun, request: HttpRequest, limits: HttpLimits): Promise<HttpAnswer> {
  const { url } = request;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const target = { host, port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port) };
  const { socket, address, resolveMs, connectMs } = await connect(run, target);
  const what = saidOf(target, address);
  try {
    let stream: Socket = socket;
    let tlsMs = 0;
    if (url.protocol === "https:") {
      const secured = await handshake(run, socket, { ...limits.tls, serverName: limits.tls.serverName ?? host }, what);
      stream = secured.socket;
      tlsMs = secured.tlsMs;
    }
    const { answer, body, isCut, firstByteMs, transferMs } = await ask(run, stream, request, limits, what);
    const total = rounded(resolveMs + connectMs + tlsMs + firstByteMs + transferMs);
    return {
      status: answer.statusCode ?? 0,
      headers: answer.headers,
      setCookies: answer.headers["set-cookie"] ?? [],
      body,
      isCut,
      phases: { resolve: resolveMs, connect: connectMs, tls: tlsMs, firstByte: firstByteMs, transfer: transferMs, total },
    };
  } finally {
    countStream(run, socket);
    socket.destroy();
  }
}

async function ask(run: ProbeRun, stream: Socket, request: HttpRequest, limits: HttpLimits, what: string) {
  run.stage = "request";
  const startedMs = run.nowMs();
  const { outgoing, answered, broken } = send(stream, request, what);
  try {
    const answer = await orEnd(run.signal, answered);
    const firstByteMs = run.since(startedMs);
    run.stage = "answer";
    const { body, isCut } = await orEnd(run.signal, readBody(answer, limits.maxBodyBytes, broken, what));
    return { answer, body, isCut, firstByteMs, transferMs: rounded(run.since(startedMs) - firstByteMs) };
  } finally {
    outgoing.destroy();
    stream.destroy();
  }
}

function send(
  stream: Socket,
  request: HttpRequest,
  what: string,
): { readonly outgoing: ClientRequest; readonly answered: Promise<IncomingMessage>; readonly broken: () => Error | undefined } {
  const { url, method, body } = request;
  const headers: OutgoingHttpHeaders = { ...request.headers, host: url.host, connection: "close", "accept-encoding": "identity" };
  if (body !== undefined) headers["content-length"] = Buffer.byteLength(body);
  let outgoing: ClientRequest;
  try {
    outgoing = startRequest({
      // The connection is there already, TLS included; only the framing is left to do.
      createConnection: () => stream,
      method,
      path: `${url.pathname}${url.search}`,
      headers,
      setHost: false,
      maxHeaderSize: maxHeaderBytes,
    });
  } catch (error) {
    throw failed(
      "request",
      "bad-answer",
      "the request cannot be written: a header or the path holds a character that HTTP does not allow",
      error,
    );
  }
  let problem: Error | undefined;
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.on("error", (error) => {
      problem ??= answerFailure(error, what);
      reject(problem);
    });
    // Nobody asked for it; the socket would otherwise stay open without an owner.
    outgoing.once("upgrade", () => reject(failed("answer", "bad-answer", `${what} switched protocols without being asked`)));
  });
  outgoing.end(body);
  return { outgoing, answered, broken: () => problem };
}

/** Reads at most `maxBytes`, then hangs up: an endless body costs no more than that. @param broken what the request's own parser complained of */
function readBody(
  answer: IncomingMessage,
  maxBytes: number,
  broken: () => Error | undefined,
  what: string,
): Promise<{ readonly body: Buffer; readonly isCut: boolean }> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    answer.on("data", (part: Buffer) => {
      const room = maxBytes - bytes;
      parts.push(part.length > room ? part.subarray(0, room) : part);
      bytes += part.length;
      if (bytes <= maxBytes) return;
      resolve({ body: Buffer.concat(parts), isCut: true });
      answer.destroy();
    });
    answer.once("end", () => resolve({ body: Buffer.concat(parts), isCut: false }));
    answer.on("error", (error) => reject(broken() ?? answerFailure(error, what)));
    answer.once("aborted", () => reject(broken() ?? failed("answer", "reset", `${what} hung up before the end of its answer`)));
  });
}

function answerFailure(error: NodeJS.ErrnoException, what: string): Error {
  const code = error.code ?? "";
  if (code === "HPE_HEADER_OVERFLOW")
    return failed("answer", "too-large", `the header of the answer is longer than ${maxHeaderBytes} bytes`, error);
  if (code.startsWith("HPE_")) return failed("answer", "bad-answer", `${what} did not answer in HTTP (${printable(code, 60)})`, error);
  return socketFailure(error, "answer", what);
}
