import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gatehouseCommand } from "../program.ts";

const keptLines = 5_000;

/** A process of ours or of a real peer, with its last lines for the message of a failing test. */
export class RunningProcess {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  readonly exited: Promise<number | null>;
  /** It has ended and all it said is in `lines`. */
  isRead = false;
  readonly #command: string;

  /** @param stdin what it reads on standard input; absent: nothing */
  constructor(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}, stdin?: string) {
    this.#command = [command, ...args].join(" ");
    this.child = spawn(command, [...args], {
      stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    this.child.stdin?.end(stdin);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        this.lines.push(line);
        if (this.lines.length > keptLines) this.lines.shift();
      });
    }
    this.child.once("close", () => {
      this.isRead = true;
    });
    this.exited = new Promise((resolve) => {
      this.child.once("exit", (code) => resolve(code));
      this.child.once("error", () => resolve(127));
    });
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async end(name: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.isRunning) this.child.kill(name);
    return this.exited;
  }

  /** Waits until a condition holds. @throws Error with the last lines after `limitMs` */
  async until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
    await until(`${what} (${this.#command})`, condition, limitMs, () => this.lines.slice(-15).join("\n"));
  }
}

/** Polls a condition; real processes are waited for, never slept for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 60_000,
  explain = () => "",
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}\n${explain()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** This project's program as a child: `gatehouse ARGS`. */
export function gatehouse(args: readonly string[], environment: Readonly<Record<string, string>> = {}, stdin?: string): RunningProcess {
  const { command, args: words } = gatehouseCommand(args);
  return new RunningProcess(command, words, environment, stdin);
}

export async function freeTcpPort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return address.port;
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

/** A folder of this test's own under the system's temporary one. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), "gatehouse-test-"));

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  write(name: string, text: string): string {
    const file = this.path(name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
