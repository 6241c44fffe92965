import type { ErrorCode, GatewayError } from "#model/errors.ts";

/** Exit codes of every command. Documented in `--help` and README.md; never renumbered. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  inUse: 3,
  state: 4,
  unreachable: 5,
  bug: 70,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One line per code, for people. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: "done; for run, demo and serve: stopped on request",
  failed: "what was asked failed, or data was lost",
  usage: "wrong usage or configuration; nothing was done",
  inUse: "a port or another resource of this machine is in use or not allowed",
  state: "the state folder cannot be used",
  unreachable: "a peer (equipment, broker, NOC, running gateway) does not answer or refuses",
  bug: "a bug in this program; please report what it printed",
};

const byCode: Partial<Record<ErrorCode, ExitCode>> = {
  "buffer.busy": exitCodes.state,
  "buffer.denied": exitCodes.state,
  "buffer.disk-full": exitCodes.state,
  "buffer.io": exitCodes.state,
  "buffer.version": exitCodes.state,
  "buffer.corrupt": exitCodes.state,
  "buffer.migration": exitCodes.state,
  "driver.auth": exitCodes.unreachable,
  "driver.refused": exitCodes.unreachable,
  "driver.timeout": exitCodes.unreachable,
  "driver.unreachable": exitCodes.unreachable,
  "driver.unsupported": exitCodes.usage,
  "host.not-running": exitCodes.unreachable,
  // Its end was asked for something that is not there or not valid, and did nothing; silence and a refused token are not that.
  "noc.invalid": exitCodes.usage,
  "noc.store-busy": exitCodes.state,
  "noc.store": exitCodes.state,
  "noc.store-version": exitCodes.state,
};

const byPrefix: Readonly<Record<string, ExitCode>> = {
  config: exitCodes.usage,
  host: exitCodes.inUse,
  noc: exitCodes.unreachable,
  uplink: exitCodes.unreachable,
};

/** What the process says to its caller when a command ends with this error. */
export function exitCodeOf(error: GatewayError): ExitCode {
  return byCode[error.code] ?? byPrefix[error.code.split(".")[0] ?? ""] ?? exitCodes.failed;
}
