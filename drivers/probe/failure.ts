import type { CheckFailure, CheckFailureCode, CheckStage } from "#model/check.ts";
import { type ErrorCode, GatewayError } from "#model/errors.ts";

const errorOf: Readonly<Partial<Record<CheckFailureCode, ErrorCode>>> = {
  timeout: "driver.timeout",
  refused: "driver.unreachable",
  unreachable: "driver.unreachable",
  "too-large": "driver.limit",
  redirects: "driver.limit",
};

/** A check that failed, thrown inside this folder; `failureOf` reads it again at the prober's border. */
export function failed(stage: CheckStage, code: CheckFailureCode, text: string, cause?: unknown): GatewayError {
  const options = { message: text, fields: { stage, failure: code } };
  return new GatewayError(errorOf[code] ?? "driver.bad-answer", cause === undefined ? options : { ...options, cause });
}

/** The failure an error speaks of; undefined when the error is none of `failed`. */
export function failureOf(error: GatewayError): CheckFailure | undefined {
  const { stage, failure } = error.fields;
  if (typeof stage !== "string" || typeof failure !== "string") return undefined;
  // Both were put there by `failed`.
  return { stage: stage as CheckStage, code: failure as CheckFailureCode, text: error.message };
}

/** What a socket's error means. `what` names whom we spoke to: `192.0.2.1 port 443`. */
export function socketFailure(error: NodeJS.ErrnoException, stage: CheckStage, what: string): GatewayError {
  switch (error.code) {
    case "ECONNREFUSED":
      return failed(stage, "refused", `${what} refused the connection`, error);
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "ENETDOWN":
      return failed(stage, "unreachable", `the network has no way to ${what} (${error.code})`, error);
    case "EADDRNOTAVAIL":
      return failed(stage, "unreachable", `the source address is not one of this machine, or there is none that reaches ${what}`, error);
    case "ETIMEDOUT":
      return failed(stage, "timeout", `${what} did not answer`, error);
    case "EACCES":
    case "EPERM":
      return failed(stage, "unreachable", `this machine may not send to ${what} (${error.code})`, error);
    default:
      return failed(stage, "reset", `the connection to ${what} broke off${error.code === undefined ? "" : ` (${error.code})`}`, error);
  }
}
