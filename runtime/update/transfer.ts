import { createHash, type Hash } from "node:crypto";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Release, ReleaseFile, ReleaseSource } from "#ports/release.ts";
import type { SlotDisk } from "#ports/slot-disk.ts";
import type { UpdatePolicy } from "#ports/updater.ts";
import { isWithin } from "./window.ts";

export interface TransferParts {
  readonly clock: Clock;
  readonly disk: SlotDisk;
  readonly source: ReleaseSource;
}

const pieceBytes = 65_536;
/** What was received is durable at the latest after so many bytes: a power cut costs no more of a thin line's time. */
const syncEveryBytes = 4 * 1024 * 1024;

/** Feeds a file that is there already into a hash. */
export async function hashFile(disk: SlotDisk, path: string, length: number, hash: Hash): Promise<void> {
  const into = new Uint8Array(pieceBytes);
  for (let at = 0; at < length; ) {
    const piece = disk.read(path, at, Math.min(pieceBytes, length - at), into);
    if (piece.length === 0) return;
    hash.update(piece);
    at += piece.length;
    // Polls go on meanwhile.
    if (at % (16 * pieceBytes) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Gets a file, going on where an earlier attempt ended, not faster than the policy allows and only within its windows.
 * @throws GatewayError update.unreachable (go on later) | update.untrusted (other bytes than signed; the part is removed) | update.disk
 */
export async function download(
  parts: TransferParts,
  file: ReleaseFile,
  path: string,
  policy: UpdatePolicy,
  signal: AbortSignal,
  onBytes: (received: number) => void,
): Promise<void> {
  const { clock, disk, source } = parts;
  const here = disk.length(path) ?? 0;
  const begun = here > file.length ? 0 : here;
  const hash = createHash("sha256");
  await hashFile(disk, path, begun, hash);
  let received = begun;
  onBytes(received);
  if (received < file.length) {
    const out = disk.open(path, begun);
    const pace = new Pace(clock, policy.maxBytesPerSecond);
    let unsynced = 0;
    try {
      for await (const piece of source.read(file, begun, signal)) {
        if (received + piece.length > file.length) throw wrong(disk, path, `${file.path} is longer than signed`);
        out.write(piece);
        hash.update(piece);
        received += piece.length;
        unsynced += piece.length;
        onBytes(received);
        if (unsynced >= syncEveryBytes) {
          out.sync();
          unsynced = 0;
        }
        await pace.after(piece.length, signal);
        if (!isWithin(policy.windows, clock.now().wallMs)) break;
      }
      out.sync();
    } finally {
      out.close();
    }
  }
  if (received < file.length)
    throw new GatewayError("update.unreachable", { message: `${file.path}: ${received} of ${file.length} bytes so far` });
  if (hash.digest("hex") !== file.sha256) throw wrong(disk, path, `${file.path} is not the file that was signed`);
}

function wrong(disk: SlotDisk, path: string, message: string): GatewayError {
  disk.remove(path);
  return new GatewayError("update.untrusted", { message });
}

/**
 * Unpacks a downloaded file into a whole, durable program: hashed while it is written, and again as it is read back from the disk.
 * @throws GatewayError update.untrusted | update.disk
 */
export async function unpack(
  parts: TransferParts,
  from: { readonly file: ReleaseFile; readonly packed: string; readonly base: string },
  release: Release,
  path: string,
): Promise<void> {
  const { disk, source } = parts;
  const hash = createHash("sha256");
  const out = disk.open(path, 0);
  let length = 0;
  try {
    for await (const piece of source.unpack(from.file, from.packed, from.base, release)) {
      length += piece.length;
      if (length > release.length) throw wrong(disk, path, `${from.file.path} unpacks to more than the program`);
      out.write(piece);
      hash.update(piece);
      if (length % (64 * pieceBytes) < piece.length) await new Promise((resolve) => setImmediate(resolve));
    }
    out.sync();
  } finally {
    out.close();
  }
  if (length !== release.length || hash.digest("hex") !== release.sha256)
    throw wrong(disk, path, `${from.file.path} does not unpack to the program that was signed`);
  const again = createHash("sha256");
  await hashFile(disk, path, release.length, again);
  if (again.digest("hex") !== release.sha256)
    throw new GatewayError("update.disk", { message: `${path} reads back otherwise than it was written` });
}

/** Keeps a long-term rate: after each piece as long a pause as it was worth. */
class Pace {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  #dueMs: number;

  constructor(clock: Clock, bytesPerSecond: number | undefined) {
    this.#clock = clock;
    this.#bytesPerMs = (bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1_000;
    this.#dueMs = clock.monotonicMs();
  }

  async after(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    this.#dueMs = Math.max(this.#dueMs, nowMs - 1_000) + bytes / this.#bytesPerMs;
    if (this.#dueMs > nowMs) await this.#clock.sleep(this.#dueMs - nowMs, signal);
  }
}
