import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stateMount } from "../../runtime/host/state-mount.ts";

const script = join(import.meta.dirname, "../../build/systemd/spare-flash");

/** Whether a loop device can be mounted in a mount namespace of our own. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-flash-"));
  const commands = `truncate -s 8M ${folder}/i && mkfs.ext4 -q ${folder}/i && mkdir ${folder}/m && mount -o loop ${folder}/i ${folder}/m`;
  const { status } = spawnSync("unshare", ["-m", "sh", "-c", commands], { stdio: "ignore" });
  rmSync(folder, { recursive: true, force: true });
  return status === 0;
}

describe.skipIf(!canMount())("spare-flash on an ext4 of its own (needs root and loop devices to mount)", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-flash-"));
    execFileSync("truncate", ["-s", "8M", join(folder, "image")]);
    execFileSync("mkfs.ext4", ["-q", join(folder, "image")]);
    execFileSync("mkdir", [join(folder, "m")]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Mounts with these options, runs the script twice as the unit would, and gives back the options then. */
  function optionsAfter(mountOptions: string, environment: Readonly<Record<string, string>> = {}): readonly string[] {
    const target = join(folder, "m");
    const commands = [
      `mount -o loop,${mountOptions} ${folder}/image ${target}`,
      ...[`sh ${script} 2>&1`, `sh ${script} 2>&1`],
      `echo; findmnt -n -o OPTIONS -T ${target}/state`,
      `umount ${target}`,
    ];
    // The folder of the state need not be there yet at the first start: its mount is found all the same.
    const prepared = [commands[0], `mkdir -p ${target}/state 2>/dev/null || :`, ...commands.slice(1)].join("\n");
    const text = execFileSync("unshare", ["-m", "sh", "-ec", prepared], {
      encoding: "utf8",
      env: { PATH: process.env.PATH ?? "", GATEHOUSE_STATE: `${target}/state`, ...environment },
    });
    return (text.trim().split("\n").at(-1) ?? "").split(",");
  }

  it("makes the commit longer and leaves the other options as they are", () => {
    const options = optionsAfter("noatime,nosuid");
    expect(options).toEqual(expect.arrayContaining(["rw", "noatime", "nosuid", "commit=30"]));
  });

  it("makes it three durability windows where those are long", () => {
    const config = join(folder, "gatehouse.yaml");
    const optionsWith = (text: string) => {
      writeFileSync(config, text);
      return optionsAfter("noatime", { GATEHOUSE_CONFIG: config });
    };
    expect(optionsWith("buffer:\n  # durabilityWindowMs: 20000\n  durabilityWindowMs: 60000 # a minute\n")).toContain("commit=180");
    expect(optionsWith("buffer: { durabilityWindowMs: 5000, budgetBytes: 60000000 }\n")).toContain("commit=30");
    expect(optionsWith("buffer: { durabilityWindowMs: 0b1 }\n")).toContain("commit=30");
  });

  it("leaves a longer one alone, and everything when it is told to", () => {
    expect(optionsAfter("commit=120")).toContain("commit=120");
    expect(optionsAfter("noatime", { GATEHOUSE_EXT4_COMMIT_S: "0" }).join()).not.toContain("commit=");
    expect(optionsAfter("noatime", { GATEHOUSE_EXT4_COMMIT_S: "30; reboot" }).join()).not.toContain("commit=");
  });

  it("never makes a read-only mount writable", () => {
    const options = optionsAfter("ro");
    expect(options).toContain("ro");
    expect(options.join()).not.toContain("commit=");
  });
});

describe("the mount of a folder", () => {
  const mounts = [
    "/dev/mmcblk0p2 / ext4 rw,noatime 0 0",
    "tmpfs /run tmpfs rw 0 0",
    "/dev/mmcblk0p3 /srv/gate\\040house ext4 rw,commit=30 0 0",
  ].join("\n");

  it("is the deepest above it, with ext4's commit in seconds", () => {
    expect(stateMount("/no-such/gatehouse", mounts)).toMatchObject({ target: "/", source: "/dev/mmcblk0p2", commitS: 5 });
    expect(stateMount("/srv/gate house/state", mounts)).toMatchObject({ target: "/srv/gate house", commitS: 30 });
    expect(stateMount("/srv/gate house-2", mounts)).toMatchObject({ target: "/" });
    expect(stateMount("/run/no-such-gatehouse", mounts)).toMatchObject({ type: "tmpfs", commitS: undefined });
    expect(stateMount("/x", "")).toBeUndefined();
  });
});
