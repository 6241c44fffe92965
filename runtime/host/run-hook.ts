import { execFile } from "node:child_process";
import { GatewayError } from "#model/errors.ts";

const timeoutMs = 20_000;

/** Runs a program that the site's configuration names, without a shell. @throws GatewayError host.denied */
export function runHook(command: readonly string[]): Promise<void> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: timeoutMs, env: { PATH: process.env.PATH ?? "" } }, (cause) => {
      if (cause === null) resolve();
      else
        reject(
          new GatewayError("host.denied", {
            message: `${program} did not do it (${String(cause.code ?? cause.signal ?? "unknown")})`,
            cause,
          }),
        );
    });
  });
}
