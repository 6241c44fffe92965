import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eraseFreeSpace } from "../../runtime/host/erase-free-space.ts";
import { Workspace } from "../integration/processes.ts";

const mark = "the customer's. ";
const maxFiles = 4_000;

/** A loop mount needs root, the loop module and mkfs.ext4: containers often have none of them. */
class Disk {
  readonly #workspace = new Workspace();
  readonly image = this.#workspace.path("disk.img");
  readonly folder = this.#workspace.path("disk");
  #isMounted = false;

  constructor() {
    mkdirSync(this.folder);
  }

  /** @returns why not; "" = it is mounted */
  mount(blockBytes: number): string {
    const run = (...words: readonly string[]) => spawnSync(words[0] ?? "", words.slice(1)).status === 0;
    if (!run("truncate", "-s", "32M", this.image) || !run("mkfs.ext4", "-q", "-F", "-b", String(blockBytes), this.image))
      return "mkfs.ext4 is missing";
    this.#isMounted = run("mount", "-o", "loop", this.image, this.folder);
    return this.#isMounted ? "" : "loop mounts are not possible here";
  }

  unmount(): void {
    if (this.#isMounted) execFileSync("umount", [this.folder]);
    this.#isMounted = false;
  }

  remove(): void {
    this.unmount();
    this.#workspace.remove();
  }
}

function whyMissing(): string {
  const disk = new Disk();
  try {
    return disk.mount(1_024);
  } finally {
    disk.remove();
  }
}

/** Marked files until nothing more has room. */
function fillWithMarks(folder: string, seed: number): readonly string[] {
  const files: string[] = [];
  let state = seed;
  for (let isRoom = true; isRoom && files.length < maxFiles; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    const file = `${folder}/${files.length}`;
    try {
      const handle = openSync(file, "w");
      files.push(file);
      const bytes = Buffer.from(mark.repeat(64 * (1 + ((state >> 8) % 24))));
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
    } catch {
      isRoom = false;
    }
  }
  return files;
}

function overwriteWithZeros(file: string): void {
  const { length } = readFileSync(file);
  const handle = openSync(file, "r+");
  writeSync(handle, new Uint8Array(length));
  fsyncSync(handle);
  closeSync(handle);
}

const missing = whyMissing();

describe.skipIf(missing !== "")(`free space in many pieces ${missing}`, () => {
  let disk: Disk;
  beforeEach(() => {
    disk = new Disk();
  });
  afterEach(() => disk.remove());

  it.each([1_024, 2_048, 4_096])("is overwritten to the last block of %i bytes", { timeout: 60_000 }, (blockBytes) => {
    expect(disk.mount(blockBytes)).toBe("");
    const files = fillWithMarks(disk.folder, blockBytes);
    // Every fifth stays, so that what is free lies between them.
    for (const [index, file] of files.entries()) {
      if (index % 5 === 0) overwriteWithZeros(file);
      else rmSync(file);
    }
    const stayed = readdirSync(disk.folder).length;
    const told: number[] = [];
    const bytes = eraseFreeSpace(disk.folder, (written) => told.push(written));
    expect(bytes).toBeGreaterThan(8 * 1_048_576);
    expect(bytes).toBeLessThan(32 * 1_048_576);
    expect(told).toEqual([]);
    expect(readdirSync(disk.folder)).toHaveLength(stayed);
    disk.unmount();
    const image = readFileSync(disk.image);
    const left: number[] = [];
    for (let at = image.indexOf(mark); at !== -1; at = image.indexOf(mark, (Math.floor(at / blockBytes) + 1) * blockBytes))
      left.push(Math.floor(at / blockBytes));
    expect(left).toEqual([]);
  });
});
