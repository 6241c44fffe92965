import { execFile } from "node:child_process";
import { GatewayError } from "#model/errors.ts";

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const maxOutputBytes = 2 * 1024 * 1024;

/** Runs a program without a shell. @throws GatewayError driver.unsupported when it is not there or does not end in time */
export function runProgram(program: string, args: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: maxOutputBytes,
      signal,
      env: { LC_ALL: "C", PATH: searchPath },
    } as const;
    execFile(program, [...args], options, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason);
      else if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ exitCode: error.code, stdout, stderr });
      else reject(new GatewayError("driver.unsupported", { message: `${program} cannot be run`, cause: error, fields: { program } }));
    });
  });
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** fping's arguments: one ICMP echo to each, 10 ms apart, no second try. Addresses are dotted decimal, never options. */
export function fpingArguments(addresses: readonly string[], timeoutMs: number): readonly string[] {
  return ["-C", "1", "-q", "-r", "0", "-i", "10", "-t", String(timeoutMs), ...addresses];
}

/** Lines `ADDRESS : 0.35`, or `-` for silence. */
export function parseFping(stderr: string): readonly string[] {
  return stderr.split("\n", 1_024).flatMap((line) => {
    const [, address, ms] = /^(\S+)\s+: (\S+)\s*$/.exec(line) ?? [];
    return address !== undefined && ms !== undefined && /^[\d.]+$/.test(ms) ? [address] : [];
  });
}
