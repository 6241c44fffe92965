import type { SlotDisk } from "#ports/slot-disk.ts";

export type SlotName = "a" | "b";
export type Running = SlotName | "factory";

/** What the launcher goes by. `pending` is tried as long as `tries` lasts, `active` otherwise. */
export interface Boot {
  readonly active: Running;
  readonly pending?: SlotName;
  readonly tries: number;
}

/** How often a new program is started before it counts as broken. */
const firstTries = 3;

/**
 * Two places for programs, and the file that says which is started. `boot` is replaced by a rename, so that the launcher reads the old line or
 * the new one; a slot is only named there once its program is whole and durable.
 */
export class Slots {
  readonly #disk: SlotDisk;
  readonly #folder: string;

  constructor(disk: SlotDisk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder;
  }

  boot(): Boot {
    const words = new Map(
      (this.#disk.readText(`${this.#folder}/boot`) ?? "")
        .trim()
        .split(/\s+/)
        .map((word) => word.split("=") as [string, string]),
    );
    const active = words.get("active");
    const pending = words.get("pending");
    const tries = words.get("tries") ?? "0";
    return {
      active: active === "a" || active === "b" ? active : "factory",
      ...(pending === "a" || pending === "b" ? { pending } : {}),
      tries: /^\d$/.test(tries) ? Number(tries) : 0,
    };
  }

  program(slot: SlotName): string {
    return `${this.#folder}/${slot}/gatehouse`;
  }

  /** The slot that is free to be written: neither active nor running. */
  free(running: Running): SlotName {
    const { active } = this.boot();
    return active === "a" || running === "a" ? "b" : "a";
  }

  /** A place for parts of the next program; on the same file system as the slots. */
  workFolder(): string {
    const folder = `${this.#folder}/work`;
    this.#disk.makeFolder(folder);
    return folder;
  }

  /** Puts a whole, durable file in place as the program of a slot that is not in use. */
  fill(slot: SlotName, from: string): void {
    const folder = `${this.#folder}/${slot}`;
    this.#disk.makeFolder(folder);
    this.#disk.rename(from, this.program(slot));
    this.#disk.syncFolder(folder);
    this.#disk.syncFolder(this.#folder);
  }

  /** From the next start on the slot is tried. */
  arm(slot: SlotName): void {
    this.#forgetFailure();
    this.#writeBoot({ active: this.boot().active, pending: slot, tries: firstTries });
  }

  /** The slot on probation is the one from now on. */
  confirm(slot: SlotName): void {
    this.#writeBoot({ active: slot, tries: 0 });
  }

  /** Back to what was active; the launcher starts it next. */
  giveUp(): void {
    this.#writeBoot({ active: this.boot().active, tries: 0 });
  }

  /** The slot that the launcher gave up, once. */
  takeFailure(): SlotName | undefined {
    const failed = this.#disk.readText(`${this.#folder}/failed`)?.trim();
    this.#forgetFailure();
    return failed === "a" || failed === "b" ? failed : undefined;
  }

  #forgetFailure(): void {
    if (!this.#disk.exists(`${this.#folder}/failed`)) return;
    this.#disk.remove(`${this.#folder}/failed`);
    this.#disk.syncFolder(this.#folder);
  }

  #writeBoot(boot: Boot): void {
    const pending = boot.pending === undefined ? "" : ` pending=${boot.pending} tries=${boot.tries}`;
    const file = this.#disk.open(`${this.#folder}/boot.new`, 0);
    try {
      file.write(Buffer.from(`active=${boot.active}${pending}\n`));
      file.sync();
    } finally {
      file.close();
    }
    this.#disk.rename(`${this.#folder}/boot.new`, `${this.#folder}/boot`);
    this.#disk.syncFolder(this.#folder);
  }
}
