import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../config/configuration-kit.ts";

const module = join(import.meta.dirname, "../../runtime/host/end-process.ts");

it("ends a process with its code and its last words although one of its threads never comes back", () => {
  const pipe = join(temporaryFolder(), "nobody-writes");
  execFileSync("mkfifo", [pipe]);
  const program = `import { open } from "node:fs";
import { endProcess } from ${JSON.stringify(module)};
open(${JSON.stringify(pipe)}, "r", () => undefined);
process.once("exit", () => process.stdout.write("heard"));
setTimeout(() => endProcess(4), 50);`;
  const file = join(temporaryFolder(), "program.ts");
  writeFileSync(file, program);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [file], {
    encoding: "utf8",
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  expect({ status, signal, stdout, stderr }).toEqual({ status: 4, signal: null, stdout: "heard", stderr: "" });
}, 150_000);
