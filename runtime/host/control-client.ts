import { connect } from "node:net";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import { type ControlAnswer, controlSocketPath, maxAnswerBytes } from "./control-protocol.ts";

export interface ControlCall {
  /** The running gateway's state folder. */
  readonly folder: string;
  readonly operation: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * Asks the gateway that runs on a state folder.
 * @throws GatewayError host.not-running when none runs there or it does not answer in time, host.denied without the right to ask,
 * command.refused when it says no
 */
export async function requestControl(call: ControlCall): Promise<unknown> {
  const finished = new AbortController();
  const late = call.clock.sleep(call.timeoutMs, finished.signal).then(() => {
    throw notAnswering(call, `the gateway did not answer within ${call.timeoutMs} ms`);
  });
  // Rejects with the abort once the answer is there; nobody listens any more then.
  late.catch(() => undefined);
  try {
    const answer = parseAnswer(await Promise.race([exchange(call, finished.signal), late]), call);
    if (answer.ok) return answer.value;
    throw new GatewayError("command.refused", { message: answer.message, fields: { operation: call.operation } });
  } finally {
    finished.abort(new Error("finished"));
  }
}

function exchange(call: ControlCall, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlSocketPath(call.folder));
    const pieces: Buffer[] = [];
    let bytes = 0;
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.on("connect", () => socket.end(`${JSON.stringify({ operation: call.operation, arguments: call.arguments })}\n`));
    socket.on("data", (data) => {
      const piece = Buffer.from(data);
      bytes += piece.length;
      if (bytes > maxAnswerBytes) socket.destroy(notAnswering(call, "the gateway's answer is too long"));
      else pieces.push(piece);
    });
    socket.on("error", (error) => reject(error instanceof GatewayError ? error : connectError(error, call)));
    socket.on("end", () => resolve(Buffer.concat(pieces).toString("utf8")));
    socket.on("close", () => reject(notAnswering(call, "the gateway closed the connection")));
  });
}

function parseAnswer(text: string, call: ControlCall): ControlAnswer {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null && "ok" in answer) {
      if (answer.ok === true && "value" in answer) return { ok: true, value: answer.value };
      if (answer.ok === false && "message" in answer) return { ok: false, code: "command.refused", message: String(answer.message) };
    }
  } catch (cause) {
    throw notAnswering(call, "the gateway's answer is not valid", cause);
  }
  throw notAnswering(call, "the gateway's answer is not valid");
}

function connectError(error: Error, call: ControlCall): GatewayError {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "EACCES" || code === "EPERM") {
    const message = `only the gateway's own user and root may ask the gateway in ${call.folder}`;
    return new GatewayError("host.denied", { message, fields: { folder: call.folder }, cause: error });
  }
  return notAnswering(call, `no gateway runs on the state folder ${call.folder}`, error);
}

function notAnswering(call: ControlCall, message: string, cause?: unknown): GatewayError {
  return new GatewayError("host.not-running", { message, fields: { folder: call.folder, operation: call.operation }, cause });
}
