import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Publication, publish } from "../../cloud-bridge/noc/releases/publish.ts";
import { type KeyFiles, makeKey, ReleaseRepository } from "../../cloud-bridge/noc/releases/repository.ts";
import { createReleaseSource } from "../../cloud-bridge/uplink/release-source.ts";
import { slotDisk } from "../../runtime/host/slot-disk.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import type { SlotDisk } from "../../runtime/ports/slot-disk.ts";
import type { State } from "../../runtime/ports/state.ts";
import { openState } from "../../runtime/store/state.ts";
import { SlotUpdater } from "../../runtime/update/slot-updater.ts";
import { type Running, Slots } from "../../runtime/update/slots.ts";
import { silentLogger } from "../sim/silent-logger.ts";

/** Answers before the honest server does; true = answered. */
export type Attack = (path: string, response: ServerResponse) => boolean;

/** A program that is a shell script: says its version for ever so small; `body` makes it as long as wanted. */
export function programOf(version: string, body = ""): Buffer {
  return Buffer.from(`#!/bin/sh\necho "program ${version} as $1"\nexit 0\n# ${body}\n`);
}

const wanted: KeyFiles = {
  root: ["root-1", "root-2"],
  targets: ["targets-1", "targets-2"],
  snapshot: ["snapshot"],
  timestamp: ["timestamp"],
};

/** A repository with keys of its own, served over HTTP, and a gateway's state folder that gets its releases there. */
export class ReleaseKit {
  readonly folder = mkdtempSync(join(tmpdir(), "gatehouse-update-"));
  readonly clock = new SystemClock(() => true);
  readonly repository = new ReleaseRepository(join(this.folder, "repository"));
  readonly keys: KeyFiles;
  attack: Attack = () => false;
  /** Every request: path and range. */
  readonly requests: string[] = [];
  #server: Server | undefined;
  readonly #states = new Map<string, State>();

  constructor() {
    this.keys = this.makeKeys("keys");
    this.repository.initialise(this.keys, 2, this.clock.now().wallMs);
  }

  makeKeys(name: string): KeyFiles {
    const files = Object.fromEntries(
      Object.entries(wanted).map(([role, names]) => [role, names.map((one) => join(this.folder, name, `${one}.pem`))]),
    ) as unknown as KeyFiles;
    for (const file of Object.values(files).flat()) makeKey(file);
    return files;
  }

  release(version: string, program: Uint8Array, more: Partial<Publication> = {}): void {
    const file = join(this.folder, `program-${version}`);
    writeFileSync(file, program);
    publish(this.repository, { version, hardware: "linux-x64", program: file, ...more }, this.keys, this.clock.now().wallMs);
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  /** @returns the repository's address */
  async serve(): Promise<string> {
    const server = createServer((request, response) => {
      const path = (request.url ?? "").slice(1);
      this.requests.push(`${path} ${request.headers.range ?? ""}`.trim());
      if (this.attack(path, response)) return;
      const file = join(this.repository.folder, path);
      if (!existsSync(file)) return void response.writeHead(404).end();
      const size = statSync(file).size;
      const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      response.writeHead(start > 0 ? 206 : 200, start > 0 ? { "content-range": `bytes ${start}-${size - 1}/${size}` } : {});
      createReadStream(file, { start }).pipe(response);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  /** A gateway's updater on a state folder; `current` runs in `slot`. */
  gateway(
    name: string,
    url: string,
    options: GatewayOptions,
  ): { readonly updater: SlotUpdater; readonly state: State; readonly slots: Slots; readonly stateDir: string } {
    const stateDir = join(this.folder, name);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    mkdirSync(join(stateDir, "slots"), { recursive: true });
    // A second updater on the same folder is the same gateway after a restart.
    this.#states.get(name)?.close();
    const opened = openState(stateDir);
    this.#states.set(name, opened);
    const state = options.around?.(opened) ?? opened;
    const disk = options.disk ?? slotDisk;
    const slots = new Slots(disk, join(stateDir, "slots"));
    const root = readFileSync(join(this.repository.folder, "metadata/1.root.json"));
    const updater = new SlotUpdater({
      ...{ clock: this.clock, entropy: systemEntropy, logger: silentLogger, state, disk, slots },
      source: createReleaseSource({ url, root, state, clock: this.clock }),
      self: { version: options.version, hardware: "linux-x64", file: options.file, slot: options.slot ?? "factory" },
      selfTest: options.selfTest ?? (async () => undefined),
      healthy: async () => options.healthy?.() ?? true,
      nocReached: () => options.nocReached?.() ?? true,
      probationMs: options.probationMs ?? 1_000,
      restart: options.restart ?? (() => undefined),
    });
    return { updater, state, slots, stateDir };
  }

  async end(): Promise<void> {
    for (const state of this.#states.values()) state.close();
    this.#states.clear();
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#server === undefined ? resolve() : this.#server.close(() => resolve())));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface GatewayOptions {
  readonly version: string;
  /** File of the program that runs. */
  readonly file: string;
  readonly slot?: Running;
  readonly disk?: SlotDisk;
  /** Between the updater and its state. */
  readonly around?: (state: State) => State;
  readonly selfTest?: (program: string) => Promise<void>;
  readonly healthy?: () => boolean;
  readonly nocReached?: () => boolean;
  readonly probationMs?: number;
  readonly restart?: () => void;
}

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Runs an updater until a condition holds, then ends it. */
export async function runUntil(updater: SlotUpdater, what: string, condition: () => boolean, limitMs = 60_000): Promise<void> {
  const stop = new AbortController();
  const running = updater.run(stop.signal);
  running.catch(() => undefined);
  const endMs = performance.now() + limitMs;
  try {
    while (!condition()) {
      if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}; ${JSON.stringify(updater.current())}`);
      await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  } finally {
    stop.abort(new Error("the test has seen enough"));
    await running.catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
  }
}
