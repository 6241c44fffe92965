import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IdentityFolder } from "../../runtime/host/identity-folder.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { gatehouse, Workspace } from "../integration/processes.ts";

/** A loop mount needs root, the loop module and mkfs.ext4: containers often have none of them. */
function missingFacility(): string {
  const probe = new Workspace();
  try {
    const [image, mount] = [probe.path("probe.img"), probe.path("mount")];
    mkdirSync(mount);
    const run = (...words: readonly string[]) => spawnSync(words[0] ?? "", words.slice(1)).status === 0;
    if (!run("truncate", "-s", "8M", image) || !run("mkfs.ext4", "-q", "-F", image)) return "mkfs.ext4 is missing";
    if (!run("mount", "-o", "loop", image, mount)) return "loop mounts are not possible here";
    run("umount", mount);
    return "";
  } finally {
    probe.remove();
  }
}

const missing = missingFacility();

describe.skipIf(missing !== "")(`an owner's change ${missing}`, () => {
  const workspace = new Workspace();
  const [image, mount] = [workspace.path("disk.img"), workspace.path("disk")];
  beforeAll(() => {
    mkdirSync(mount);
    execFileSync("truncate", ["-s", "96M", image]);
    execFileSync("mkfs.ext4", ["-q", "-F", image]);
    execFileSync("mount", ["-o", "loop,sync", image, mount]);
  });
  afterAll(() => {
    spawnSync("umount", [mount]);
    workspace.remove();
  });

  /** What stands on the disk itself, whatever the file system says. */
  function bytesOnDisk(): Buffer {
    execFileSync("sync", ["-f", mount]);
    execFileSync("umount", [mount]);
    try {
      return readFileSync(image);
    } finally {
      execFileSync("mount", ["-o", "loop,sync", image, mount]);
    }
  }

  it("leaves nothing of the customer on the disk", async () => {
    const canary = `customer-${randomBytes(9).toString("hex")}`;
    const state = `${mount}/state`;
    const file = workspace.write(
      "gatehouse.yaml",
      [
        "gateway: { id: gw-leased-01 }",
        `equipment: [{ id: ${canary}, address: 127.0.0.1, driver: loopback, pollIntervalMs: 1000 }]`,
        "traps: { enabled: false }",
        "syslog: { enabled: false }",
        "console: { enabled: false }",
        "flows: { enabled: false }",
        "clock: { source: host }",
        "buffer: { budgetBytes: 16777216, durabilityWindowMs: 200 }",
        "",
      ].join("\n"),
    );
    const gateway = gatehouse(["run", "--config", file, "--state", state]);
    await gateway.until("it has measured", () => bufferHas(state, canary));
    await gateway.end("SIGTERM");
    new IdentityFolder(state, systemEntropy).keepKeys({ identity: "x", sealing: "y", evidence: "z" } as never);
    const root = readFileSync(`${state}/identity/root.key`);
    const before = bytesOnDisk();
    expect(before.includes(canary)).toBe(true);
    expect(before.includes(root)).toBe(true);
    expect(await gatehouse(["factory-reset", "--state", state, "--yes"]).exited).toBe(0);
    const after = bytesOnDisk();
    expect(after.includes(canary)).toBe(false);
    expect(after.includes(root)).toBe(false);
  }, 120_000);
});

function bufferHas(state: string, text: string): boolean {
  return ["buffer.db", "buffer.db-wal", "history.db-wal", "state.db-wal"].some((name) => {
    try {
      return readFileSync(`${state}/${name}`).includes(text);
    } catch {
      // Not there yet.
      return false;
    }
  });
}
