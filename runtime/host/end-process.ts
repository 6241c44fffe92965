import { accessSync, constants } from "node:fs";

const shell = "/bin/sh";

/**
 * Ends this process with an exit code, whatever its threads are doing. `process.exit` waits for the compiler's threads, and one of those may be
 * waiting for a collection of garbage that this thread no longer makes (nodejs/node#54918; under load seen in one failed start of some 150, for
 * ever). So the process becomes one that can do nothing but end: then the kernel ends the threads. Where the platform cannot, or somebody profiles
 * this process, it is `process.exit`. Files and sockets of ours are to be closed before; who listens for "exit" is heard.
 */
export function endProcess(code: number): never {
  if (canBecome()) {
    process.once("exit", (last) => process.execve?.(shell, ["sh", "-c", `exit ${Number(last) & 0xff}`], {}));
  }
  process.exit(code);
}

function canBecome(): boolean {
  if (process.execve === undefined || process.platform !== "linux") return false;
  // A profile is written by the end that is left out here.
  if (process.execArgv.some((option) => /-prof\b|inspect/.test(option)) || process.env["NODE_V8_COVERAGE"] !== undefined) return false;
  if (process.permission?.has("child") === false) return false;
  try {
    accessSync(shell, constants.X_OK);
    return true;
  } catch {
    // A root file system without a shell.
    return false;
  }
}
