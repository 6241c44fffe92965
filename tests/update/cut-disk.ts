import { cpSync, existsSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { slotDisk } from "../../runtime/host/slot-disk.ts";
import type { SlotDisk, SlotFile } from "../../runtime/ports/slot-disk.ts";
import type { State } from "../../runtime/ports/state.ts";

export class PowerCut extends Error {}

/**
 * The real file system until the power goes before the n-th change; then what was never made durable may be gone: content that was not synced
 * is torn, renames whose folder was not synced may not have happened.
 */
export class CutDisk implements SlotDisk {
  readonly #cutBefore: number;
  #changes = 0;
  readonly #torn = new Map<string, number>();
  readonly #renames: { readonly to: string; readonly kept: string | undefined }[] = [];

  constructor(cutBefore = Number.POSITIVE_INFINITY) {
    this.#cutBefore = cutBefore;
  }

  get changes(): number {
    return this.#changes;
  }

  #step(): void {
    this.#changes += 1;
    if (this.#changes >= this.#cutBefore) throw new PowerCut();
  }

  /** The state with the same cut: each of its transactions is a change like those of the slots. What it says is durable is SQLite's promise. */
  around(state: State): State {
    const step = () => this.#step();
    return {
      get: (key) => state.get(key),
      getText: (key) => state.getText(key),
      keys: (prefix, limit) => state.keys(prefix, limit),
      close: () => state.close(),
      put: (entries) => {
        step();
        state.put(entries);
      },
    };
  }

  /** What the next start finds, in the worst case. */
  loseWhatWasNotDurable(): void {
    for (const [path, durable] of this.#torn) if (existsSync(path)) truncateSync(path, durable);
    for (const { to, kept } of this.#renames.toReversed()) {
      rmSync(to, { force: true });
      if (kept !== undefined) cpSync(kept, to);
    }
  }

  makeFolder = slotDisk.makeFolder;
  exists = slotDisk.exists;
  readText = slotDisk.readText;
  length = slotDisk.length;
  read = slotDisk.read;
  freeBytes = slotDisk.freeBytes;

  open(path: string, fromByte: number): SlotFile {
    this.#step();
    const file = slotDisk.open(path, fromByte);
    this.#torn.set(path, fromByte);
    let written = fromByte;
    return {
      write: (bytes) => {
        this.#step();
        file.write(bytes);
        written += bytes.length;
      },
      sync: () => {
        this.#step();
        file.sync();
        this.#torn.set(path, written);
      },
      close: () => file.close(),
    };
  }

  rename(from: string, to: string): void {
    this.#step();
    const kept = existsSync(to) ? `${to}.before-${this.#changes}` : undefined;
    if (kept !== undefined) cpSync(to, kept);
    slotDisk.rename(from, to);
    const durable = this.#torn.get(from);
    this.#torn.delete(from);
    if (durable !== undefined) this.#torn.set(to, durable);
    this.#renames.push({ to, kept });
  }

  syncFolder(path: string): void {
    this.#step();
    slotDisk.syncFolder(path);
    const open = this.#renames.filter(({ to }) => dirname(to) !== path);
    this.#renames.splice(0, this.#renames.length, ...open);
  }

  remove(path: string): void {
    this.#step();
    slotDisk.remove(path);
  }
}

/** Leaves a file as a torn write would. */
export function tear(path: string): void {
  writeFileSync(path, "");
}
