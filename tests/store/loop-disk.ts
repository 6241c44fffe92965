import { execFileSync, spawnSync } from "node:child_process";
import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Why loop-mounted file systems cannot be used here; undefined = they can. */
export function missingLoopFacility(): string | undefined {
  if (process.getuid?.() !== 0) return "root, to mount";
  for (const tool of ["losetup", "mkfs.ext4", "mount", "umount"]) {
    if (spawnSync("which", [tool]).status !== 0) return tool;
  }
  if (!existsSync("/dev/loop-control")) return "loop devices";
  const free = spawnSync("losetup", ["-f"]);
  return free.status === 0 ? undefined : "a free loop device";
}

/** Why a live file system cannot be shut down here; undefined = it can. */
export function missingShutdownFacility(): string | undefined {
  return missingLoopFacility() ?? (spawnSync("which", ["python3"]).status === 0 ? undefined : "python3, for one ioctl");
}

/** An ext4 file system of its own on a loop device, writing back nothing by itself for minutes. */
export class LoopDisk {
  readonly folder: string;
  readonly mountPoint: string;
  #image: string;
  #device: string | undefined;
  #copies = 0;

  constructor(mebibytes: number, mkfsOptions: readonly string[] = []) {
    this.folder = mkdtempSync(join(tmpdir(), "gatehouse-loop-"));
    this.mountPoint = join(this.folder, "mnt");
    mkdirSync(this.mountPoint);
    this.#image = join(this.folder, "image");
    writeFileSync(this.#image, "");
    truncateSync(this.#image, mebibytes * 1024 * 1024);
    run("mkfs.ext4", ["-q", "-F", "-b", "4096", "-m", "0", ...mkfsOptions, this.#image]);
    this.mount();
  }

  mount(options = "commit=300,noatime"): void {
    this.#device = run("losetup", ["-f", "--show", this.#image]).trim();
    run("mount", ["-t", "ext4", "-o", options, this.#device, this.mountPoint]);
  }

  /** Bytes that reached the device since it was attached. */
  get deviceBytes(): number {
    return bytesWritten(this.#device ?? "");
  }

  /** Drops everything the kernel has not written to the device, as the power would: the mounted file system lives on without a disk. */
  shutDown(): void {
    const program = "import fcntl,os,struct,sys;fcntl.ioctl(os.open(sys.argv[1],os.O_RDONLY),0x8004587d,struct.pack('I',2))";
    run("python3", ["-c", program, this.mountPoint]);
  }

  /** Copies what has reached the device by now. @returns puts the copy in the device's place, the file system that was mounted is let go */
  snapshot(): () => void {
    const copy = join(this.folder, `image.${++this.#copies}`);
    copyFileSync(this.#image, copy, constants.COPYFILE_FICLONE);
    return () => {
      this.unmount();
      rmSync(this.#image);
      this.#image = copy;
      this.mount();
    };
  }

  /** Content of every file below the mount point as readers see it now. */
  contents(): ReadonlyMap<string, Buffer> {
    const names = readdirSync(this.mountPoint, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return new Map(names.map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name))]));
  }

  unmount(): void {
    if (this.#device === undefined) return;
    run("umount", [this.mountPoint]);
    run("losetup", ["-d", this.#device]);
    this.#device = undefined;
  }

  remove(): void {
    if (this.#device !== undefined) {
      spawnSync("umount", ["-l", this.mountPoint]);
      spawnSync("losetup", ["-d", this.#device]);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A bare block device of zeros: a partition. */
export class LoopPartition {
  readonly path: string;
  readonly #folder: string;

  constructor(mebibytes: number) {
    this.#folder = mkdtempSync(join(tmpdir(), "gatehouse-partition-"));
    const image = join(this.#folder, "image");
    writeFileSync(image, "");
    truncateSync(image, mebibytes * 1024 * 1024);
    this.path = run("losetup", ["-f", "--show", image]).trim();
  }

  get deviceBytes(): number {
    return bytesWritten(this.path);
  }

  remove(): void {
    spawnSync("losetup", ["-d", this.path]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function bytesWritten(device: string): number {
  const stat = readFileSync(`/sys/block/${basename(device)}/stat`, "utf8")
    .trim()
    .split(/\s+/);
  return Number(stat[6]) * 512;
}

/** Whether some file differs: something written had not reached the device. */
export function lostSomething(before: ReadonlyMap<string, Buffer>, after: ReadonlyMap<string, Buffer>): boolean {
  for (const [name, bytes] of before) if (!after.get(name)?.equals(bytes)) return true;
  return false;
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
