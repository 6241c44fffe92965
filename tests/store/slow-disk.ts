import type { Disk, DiskFile } from "../../runtime/store/disk.ts";
import { NodeDisk } from "../../runtime/store/node-disk.ts";

/** A real folder whose syncs begin late: most of the time something is written and not yet synced, as on a slow card. */
export function slowDisk(folder: string, delayMs: number): Disk {
  const disk = new NodeDisk(folder);
  const slowed = (file: DiskFile | undefined): DiskFile | undefined =>
    file === undefined
      ? undefined
      : {
          bytes: file.bytes,
          isDevice: file.isDevice,
          write: (data, offset) => file.write(data, offset),
          read: (offset, length) => file.read(offset, length),
          sync() {
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs);
            file.sync();
          },
          close: () => file.close(),
        };
  return {
    open: (name) => slowed(disk.open(name)),
    preallocate: (name, bytes, content) => disk.preallocate(name, bytes, content),
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
