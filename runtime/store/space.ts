import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Backlog } from "./backlog.ts";
import { backlogFile } from "./backlog-schema.ts";
import type { Disk } from "./disk.ts";

const ballast = "ballast";
/** The backlog is kept this far from its bound, where SQLite would refuse. */
const highWater = 0.85;
/** Evicted per transaction: short enough not to hold up a commit. */
const evictionPieceBytes = 1024 * 1024;
/** The file system's last bytes belong to others. */
const reserveBytes = 4 * 1024 * 1024;

export interface SpaceLimits {
  readonly budgetBytes: number;
  /** Part of the budget that the backlog may fill. */
  readonly databaseBytes: number;
  readonly ballastBytes: number;
}

/** Keeps the store within its budget, and a way out of a full disk. */
export class Space {
  readonly #disk: Disk;
  readonly #limits: SpaceLimits;

  constructor(disk: Disk, limits: SpaceLimits) {
    this.#disk = disk;
    this.#limits = limits;
  }

  get budgetBytes(): number {
    return this.#limits.budgetBytes;
  }

  get databaseBytes(): number {
    return (this.#disk.size(backlogFile) ?? 0) + (this.#disk.size(`${backlogFile}-wal`) ?? 0);
  }

  get evictionBytes(): number {
    return Math.min(evictionPieceBytes, this.#limits.databaseBytes / 16);
  }

  /** Whether something must be evicted before `incomingBytes` more are written. */
  isOver(backlog: Backlog, incomingBytes: number): boolean {
    const used = backlog.usedBytes;
    if (used + incomingBytes > this.#limits.databaseBytes * highWater) return true;
    if (incomingBytes === 0) return false;
    const growth = used + incomingBytes - (this.#disk.size(backlogFile) ?? 0);
    // Twice: the bytes stand in the write-ahead log before they stand in the file.
    return growth > 0 && this.#disk.space().freeBytes < 2 * growth + reserveBytes;
  }

  /**
   * Runs a write that may meet a full disk. Nothing can be deleted from a database then, not even by DELETE: so the ballast goes first, the
   * log is folded in, room is made, and the ballast comes back.
   */
  withRescue(backlog: Backlog, write: () => void, makeRoom: () => boolean): void {
    try {
      write();
      return;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (error.code !== "buffer.disk-full") throw error;
    }
    this.dropBallast();
    backlog.truncateWal();
    makeRoom();
    try {
      write();
    } finally {
      this.ensureBallast();
    }
  }

  dropBallast(): void {
    this.#disk.remove(ballast);
  }

  /** @returns whether the ballast is there */
  ensureBallast(): boolean {
    if (this.#disk.size(ballast) === this.#limits.ballastBytes) return true;
    try {
      if (this.#disk.space().freeBytes < this.#limits.ballastBytes + reserveBytes) return false;
      this.#disk.reserve(ballast, this.#limits.ballastBytes);
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#disk.remove(ballast);
      return false;
    }
  }
}
