import { execFile } from "node:child_process";
import { GatewayError } from "#model/errors.ts";

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const maxOutputBytes = 64 * 1024;
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs a program without a shell and with nothing of our environment. Arguments out of a configuration were checked to be hosts or numbers.
 * @throws GatewayError driver.unsupported when it is not there; the signal's reason when it aborts (the program is killed)
 */
export function runProgram(program: string, args: readonly string[], signal: AbortSignal): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const options = { killSignal: "SIGKILL", maxBuffer: maxOutputBytes, signal, env: { LC_ALL: "C", PATH: searchPath } } as const;
    execFile(program, [...args], options, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason);
      else if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ exitCode: error.code, stdout, stderr });
      else
        reject(
          new GatewayError("driver.unsupported", {
            message: `${program} cannot be run on this machine`,
            cause: error,
            fields: { program },
          }),
        );
    });
  });
}
