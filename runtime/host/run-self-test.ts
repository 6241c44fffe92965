import { execFile } from "node:child_process";
import { GatewayError } from "#model/errors.ts";

/** Unpacking SQLite and migrating a copy takes seconds on a slow card; a program that hangs must not hold the update up. */
const limitMs = 120_000;
const maxSaid = 500;

/** Runs `PROGRAM self-test --state DIR` with nothing of our environment. @throws GatewayError update.self-test with what it said */
export async function runSelfTest(program: string, stateDir: string, signal: AbortSignal): Promise<void> {
  const environment = { PATH: "/usr/bin:/bin", TMPDIR: process.env.TMPDIR ?? "/tmp" };
  await new Promise<void>((resolve, reject) => {
    execFile(
      program,
      ["self-test", "--state", stateDir],
      { timeout: limitMs, killSignal: "SIGKILL", signal, env: environment, maxBuffer: 65_536 },
      (error, stdout, stderr) => {
        if (error === null) return resolve();
        const said = `${stderr}${stdout}`.trim().slice(-maxSaid) || error.message;
        reject(new GatewayError("update.self-test", { message: `the new program failed its self-test: ${said}`, cause: error }));
      },
    );
  });
}
