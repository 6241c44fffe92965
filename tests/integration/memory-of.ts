import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";

const pieceBytes = 4 * 1_048_576;

/** Which of these byte strings stand anywhere in the memory of a process (Linux, same user or root). */
export function foundInMemory(pid: number, needles: Readonly<Record<string, Uint8Array>>): readonly string[] {
  const longest = Math.max(...Object.values(needles).map((one) => one.length));
  const found = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const piece = Buffer.alloc(pieceBytes);
  try {
    for (const [from, to] of writableRanges(pid)) {
      for (let at = from; at < to; at += pieceBytes - longest) {
        const length = readAt(memory, piece, Math.min(pieceBytes, to - at), at);
        const bytes = piece.subarray(0, length);
        for (const [name, needle] of Object.entries(needles)) if (bytes.includes(needle)) found.add(name);
      }
    }
  } finally {
    closeSync(memory);
  }
  return [...found].sort();
}

/** Files a process has open. */
export function openFilesOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // Closed since it was listed.
      return [];
    }
  });
}

function writableRanges(pid: number): readonly (readonly [number, number])[] {
  return readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, from = "", to = ""] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      return from === "" ? [] : [[Number.parseInt(from, 16), Number.parseInt(to, 16)] as const];
    });
}

function readAt(memory: number, into: Buffer, length: number, at: number): number {
  try {
    return readSync(memory, into, 0, length, at);
  } catch {
    // The range is gone, or belongs to a device.
    return 0;
  }
}
