import { spawnSync } from "node:child_process";
import { closeSync, fsyncSync, openSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "#model/report.ts";
import type { Instant } from "#model/time.ts";
import { createChunkAssembler } from "../../../cloud-bridge/protocol/codec/assembler.ts";
import { createFrameEncoder } from "../../../cloud-bridge/protocol/codec/frame-encoder.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import type { Disk, DiskFile } from "../../../runtime/store/disk.ts";
import { NodeDisk } from "../../../runtime/store/node-disk.ts";
import { openStore } from "../../../runtime/store/open-store.ts";
import { defaultStoreSettings } from "../../../runtime/store/settings.ts";
import { silentLogger } from "../../store/doubles.ts";
import { LoopDisk, LoopPartition } from "../../store/loop-disk.ts";
import type { Load } from "./loads.ts";

/**
 * What the file system adds, while time is accelerated.
 * `shared`: only what the store syncs itself; the file system's own commits, each 5 s of real time, are shared by many virtual minutes.
 * `each`: a commit of the file system's journal after every record, and its inode written back with every third, as ext4 does in real time with
 * its defaults when nothing else is going on.
 * `real`: nothing is accelerated, nothing added.
 * `none`: the journal stands on a partition of its own, where no file system adds anything, in any time.
 */
export type FileSystemShare = "shared" | "each" | "none" | "real";

export interface StoreMeasurement {
  readonly load: string;
  readonly windowMs: number;
  readonly fileSystem: FileSystemShare;
  readonly samples: number;
  readonly records: number;
  readonly deviceBytesPerSample: number;
  readonly writtenBytesPerSample: number;
  readonly chunkBytesPerSample: number;
  readonly cpuMicrosecondsPerSample: number;
}

export interface StoreRun {
  readonly load: Load;
  readonly windowMs: number;
  readonly fileSystem: FileSystemShare;
  readonly virtualMs: number;
  /** Mount options of the ext4. */
  readonly mount?: string;
  /** The NOC's acknowledgement comes this long after a chunk was sealed. */
  readonly ackAfterMs: number;
}

class VirtualClock {
  readonly #firstMs: number;
  readonly #startedMs = performance.now();
  readonly #inRealTime: boolean;
  #now: Instant;

  /** @param inRealTime whether `at` waits until that time has really passed */
  constructor(first: Instant, inRealTime: boolean) {
    this.#now = first;
    this.#firstMs = first.monotonicMs;
    this.#inRealTime = inRealTime;
  }

  now(): Instant {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now.monotonicMs;
  }

  at(now: Instant): void {
    const aheadMs = now.monotonicMs - this.#firstMs - (performance.now() - this.#startedMs);
    if (this.#inRealTime && aheadMs >= 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, aheadMs);
    this.#now = now;
  }
}

/** Runs a load through the real encoder, store and assembler on a loop-mounted ext4 and counts what reaches the device. */
export function measureStore(run: StoreRun): StoreMeasurement {
  const loop = new LoopDisk(256);
  const partition = run.fileSystem === "none" ? new LoopPartition(32) : undefined;
  try {
    loop.unmount();
    loop.mount(run.mount ?? "defaults");
    if (partition !== undefined) symlinkSync(partition.path, join(loop.mountPoint, "journal.ring"));
    return measureOn({ mountPoint: loop.mountPoint, deviceBytes: () => loop.deviceBytes + (partition?.deviceBytes ?? 0) }, run);
  } finally {
    loop.remove();
    partition?.remove();
  }
}

interface Medium {
  readonly mountPoint: string;
  deviceBytes(): number;
}

function measureOn(loop: Medium, { load, windowMs, fileSystem, virtualMs, ackAfterMs }: StoreRun): StoreMeasurement {
  let reports = load.next();
  const first = reports[0]?.observedAt;
  if (first === undefined) throw new Error("a load without reports");
  const clock = new VirtualClock(first, fileSystem === "real");
  const encoder = createFrameEncoder({ entropy: systemEntropy, streamSalt: "bench", intervalsPerChunk: () => 1 });
  const { core, release } = openStore({
    disk: fileSystem === "each" ? journalingDisk(loop.mountPoint) : new NodeDisk(loop.mountPoint),
    clock,
    entropy: systemEntropy,
    assembler: createChunkAssembler(),
    log: silentLogger,
    settings: { ...defaultStoreSettings, durabilityWindowMs: windowMs },
  });
  let chunkBytes = 0;
  let sealed = 0;
  const acks: { readonly atMs: number; readonly acknowledge: () => void }[] = [];
  const tick = (): void => {
    for (let due = acks[0]; due !== undefined && due.atMs <= clock.monotonicMs(); due = acks[0]) {
      due.acknowledge();
      acks.shift();
    }
    while (core.dueAtMs <= clock.monotonicMs()) core.commit(false);
    if (core.sealedChunks === sealed) return;
    sealed = core.sealedChunks;
    for (const { stream, firstSeq, nextSeq } of core.stats().streams) {
      for (const chunk of core.read({ stream, fromSeq: firstSeq, maxChunks: 1_000, maxBytes: 1e9 }))
        chunkBytes += chunk.seq >= (seen.get(stream) ?? 1) ? chunk.bytes.length : 0;
      seen.set(stream, nextSeq);
      acks.push({ atMs: clock.monotonicMs() + ackAfterMs, acknowledge: () => core.acknowledge({ stream, upTo: nextSeq - 1, ranges: [] }) });
    }
  };
  const seen = new Map<string, number>();
  const feed = (untilMs: number): void => {
    while ((reports[0]?.observedAt.monotonicMs ?? 0) < untilMs) {
      for (const report of reports) {
        stepTo(clock, report, tick);
        core.append(encoder.encodeReport(report));
        tick();
      }
      reports = load.next();
    }
  };
  // Dictionaries, key-frames, the journal's zeros and SQLite's first pages belong to a start, not to a day.
  feed(first.monotonicMs + Math.min(virtualMs / 4, 300_000));
  spawnSync("sync", ["-f", loop.mountPoint]);
  const before = { device: loop.deviceBytes(), stats: core.stats(), chunkBytes, cpu: process.cpuUsage() };
  feed(clock.monotonicMs() + virtualMs);
  const cpu = process.cpuUsage(before.cpu);
  spawnSync("sync", ["-f", loop.mountPoint]);
  const stats = core.stats();
  const samples = stats.ledger.polled - before.stats.ledger.polled;
  const result: StoreMeasurement = {
    load: load.name,
    windowMs,
    fileSystem,
    samples,
    records: stats.commits - before.stats.commits,
    deviceBytesPerSample: (loop.deviceBytes() - before.device) / samples,
    writtenBytesPerSample: (stats.writtenBytes - before.stats.writtenBytes) / samples,
    chunkBytesPerSample: (chunkBytes - before.chunkBytes) / samples,
    cpuMicrosecondsPerSample: (cpu.user + cpu.system) / samples,
  };
  core.close();
  release();
  return result;
}

/** Moves the clock to a report, a second at a time, so that everything due in between happens when it is due. */
function stepTo(clock: VirtualClock, report: Report, tick: () => void): void {
  for (;;) {
    const now = clock.now();
    const leftMs = report.observedAt.monotonicMs - now.monotonicMs;
    if (leftMs <= 1_000) break;
    clock.at({
      ...now,
      monotonicMs: (now.monotonicMs + 1_000) as Instant["monotonicMs"],
      wallMs: (now.wallMs + 1_000) as Instant["wallMs"],
    });
    tick();
  }
  clock.at(report.observedAt);
}

/** As if the file system's own timer had come after each record. */
function journalingDisk(folder: string): Disk {
  const disk = new NodeDisk(folder);
  let syncs = 0;
  const wrap = (file: DiskFile | undefined, name: string): DiskFile | undefined =>
    file === undefined
      ? undefined
      : {
          bytes: file.bytes,
          isDevice: file.isDevice,
          write: (data, offset) => file.write(data, offset),
          read: (offset, length) => file.read(offset, length),
          sync() {
            file.sync();
            const descriptor = openSync(join(folder, name), "r+");
            fsyncSync(descriptor);
            closeSync(descriptor);
            syncs += 1;
            if (syncs % 3 === 0) spawnSync("sync", ["-f", folder]);
          },
          close: () => file.close(),
        };
  return {
    open: (name) => wrap(disk.open(name), name),
    preallocate: (name, bytes, content) => wrap(disk.preallocate(name, bytes, content), name) ?? fail(),
    reserve: (name, bytes) => disk.reserve(name, bytes),
    size: (name) => disk.size(name),
    readWhole: (name) => disk.readWhole(name),
    writeWhole: (name, bytes) => disk.writeWhole(name, bytes),
    rename: (from, to) => disk.rename(from, to),
    remove: (name) => disk.remove(name),
    list: (name) => disk.list(name),
    space: () => disk.space(),
    openDatabase: (name) => disk.openDatabase(name),
  };
}

function fail(): never {
  throw new Error("no file");
}
