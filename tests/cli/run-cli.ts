import { type ChildProcess, spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { gatehouseCommand } from "../program.ts";

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Run as this user; root only. */
  readonly uid?: number;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** Starts `gatehouse ARGS` as a process of its own; killed when the test ends. */
export function startCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const { command, args: words } = gatehouseCommand(args);
  const child = spawn(command, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...options.environment },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Runs `gatehouse ARGS` to its end. @throws Error when it does not end in time */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = startCli(args, options);
  return ended(child, options.timeoutMs ?? 60_000, args);
}

export function ended(child: ChildProcess, timeoutMs: number, args: readonly string[] = []): Promise<CliResult> {
  const said = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    said.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    said.stderr += text;
  });
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`gatehouse ${args.join(" ")} did not end within ${timeoutMs} ms: ${JSON.stringify(said)}`)),
      timeoutMs,
    );
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(late);
      resolve({ code, ...said });
    });
  });
}

/** A stack trace in front of a user. */
export const stackTrace = /^\s+at .+:\d+:\d+\)?$/m;
