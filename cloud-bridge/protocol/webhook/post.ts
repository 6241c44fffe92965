import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";

export interface WebhookTarget {
  /** http:// or https://, without user and password. */
  readonly url: string;
  /** Key of the signature; undefined = unsigned. */
  readonly secret?: string;
  /** PEM of the authority that signed the receiver's certificate; the well-known authorities otherwise. */
  readonly ca?: string;
  /** The whole exchange, DNS to the end of the answer, milliseconds. */
  readonly timeoutMs: number;
}

export interface WebhookPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Nobody reads the answer; this much is let in so that a polite receiver can end its sentence. */
const maxAnswerBytes = 16_384;
const maxRetryAfterMs = 3_600_000;

/**
 * One POST. 2xx = taken; redirects are refused (a signed message goes where it was addressed to). The answer is bounded in bytes and time.
 * @throws GatewayError notify.*, with `retryAfterMs` where the receiver named a time
 */
export async function postWebhook(target: WebhookTarget, post: WebhookPost, clock: Clock, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const abort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const late = new GatewayError("notify.unreachable", { message: "no answer in time", fields: { timeoutMs: target.timeoutMs } });
  const deadline = clock.sleep(target.timeoutMs, stop.signal).then(
    () => stop.abort(late),
    () => undefined,
  );
  try {
    await exchange(target, post, stop.signal);
  } finally {
    signal.removeEventListener("abort", abort);
    stop.abort(new Error("finished"));
    await deadline;
  }
}

function exchange(target: WebhookTarget, post: WebhookPost, signal: AbortSignal): Promise<void> {
  const url = new URL(target.url);
  const isTls = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const body = Buffer.from(post.body);
    const options = {
      method: "POST",
      headers: { ...post.headers, "content-length": String(body.length), "user-agent": "gatehouse" },
      // One alarm in an hour is no reason to keep a connection open.
      agent: false as const,
      maxHeaderSize: maxAnswerBytes,
    };
    const sent = isTls
      ? httpsRequest(url, { ...options, minVersion: "TLSv1.2", ...(target.ca === undefined ? {} : { ca: target.ca }) })
      : httpRequest(url, options);
    const abort = () => {
      sent.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    sent.on("close", () => signal.removeEventListener("abort", abort));
    sent.on("error", (cause) => reject(connectionError(cause)));
    sent.on("response", (answer) => {
      drainAnswer(answer, () => sent.destroy());
      const refusal = refusalOf(answer);
      if (refusal === undefined) resolve();
      else reject(refusal);
    });
    sent.end(body);
  });
}

function drainAnswer(answer: IncomingMessage, stop: () => void): void {
  let bytes = 0;
  answer.on("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxAnswerBytes) stop();
  });
  // The status line is the answer; what happens to the rest of it changes nothing.
  answer.on("error", stop);
  answer.on("end", stop);
}

function refusalOf(answer: IncomingMessage): GatewayError | undefined {
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return undefined;
  const isBusy = status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;
  if (!isBusy) {
    const what = status >= 300 && status < 400 ? "the receiver redirects, which is not followed" : "the receiver refuses";
    return new GatewayError("notify.refused", { message: `${what} (HTTP ${status})`, fields: { status } });
  }
  const seconds = Number(answer.headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1_000, maxRetryAfterMs) : undefined;
  return new GatewayError("notify.unavailable", { message: `the receiver is busy (HTTP ${status})`, fields: { status, retryAfterMs } });
}

/** By the code that Node and OpenSSL give, never by text. */
function connectionError(cause: Error): GatewayError {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/.test(code);
  return new GatewayError(isTls ? "notify.tls" : "notify.unreachable", {
    message: `no connection (${code || "unknown"})`,
    cause,
    fields: { reason: code },
  });
}
