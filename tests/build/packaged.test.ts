import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hugePageSegments } from "../../build/package/small-pages.ts";
import { runCli } from "../cli/run-cli.ts";
import { freeTcpPort, RunningProcess, Workspace } from "../integration/processes.ts";
import { gatehouseCommand } from "../program.ts";

const isPackaged = (process.env.GATEHOUSE_BINARY ?? "") !== "";

describe.skipIf(!isPackaged)("the packaged program (needs GATEHOUSE_BINARY)", () => {
  it("says what it is made of", async () => {
    const version = JSON.parse((await runCli(["version", "--json"])).stdout) as Readonly<Record<string, unknown>>;
    expect(version).toMatchObject({ name: "gatehouse", packaged: true, node: "26.10.0", commit: expect.stringMatching(/^[0-9a-f]{40}/) });
    const { stdout } = await runCli(["licenses", "--sbom"]);
    const sbom = JSON.parse(stdout) as { readonly components: readonly { readonly name: string }[] };
    expect(sbom.components.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["node", "openssl", "better-sqlite3", "mqtt", "@node-red/runtime"]),
    );
    expect((await runCli(["licenses"])).stdout).toContain("Permission is hereby granted");
  });

  it.runIf(process.arch === "x64")("lies in its file so that no huge page of it can be mapped", () => {
    const file = readFileSync(gatehouseCommand(["version"]).command);
    expect(hugePageSegments(file)).toContain(false);
    expect(hugePageSegments(file)).not.toContain(true);
  });

  it("takes no code from the environment", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-packaged-"));
    try {
      const planted = join(folder, "planted.cjs");
      writeFileSync(planted, "console.log('planted')");
      const { stdout } = await runCli(["version"], { environment: { NODE_OPTIONS: `--require ${planted}`, NODE_PATH: folder } });
      expect(stdout).toMatch(/^gatehouse \d+\.\d+\.\d+\n$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("unpacks SQLite into its state folder and nowhere else, without HOME", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-packaged-"));
    try {
      const { code } = await runCli(["self-test", "--state", folder]);
      expect(code).toBe(0);
      expect(readdirSync(folder)).toEqual(["native"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.skipIf(process.getuid?.() !== 0 || spawnSync("unshare", ["-m", "true"]).status !== 0)(
    "runs on a read-only root as an ordinary user without HOME: all it writes is in its state folder (needs root, and the right to mount)",
    async () => {
      const workspace = new Workspace();
      try {
        chmodSync(workspace.folder, 0o711);
        mkdirSync(workspace.path("state"), { mode: 0o700 });
        chownSync(workspace.path("state"), 65_534, 65_534);
        const port = await freeTcpPort();
        const file = workspace.write("gatehouse.yaml", thinSite(port));
        chmodSync(file, 0o644);
        const { command, args } = gatehouseCommand(["run", "--config", file, "--state", workspace.path("state")]);
        // The program itself may lie where an ordinary user may not look.
        copyFileSync(command, workspace.path("gatehouse"));
        chmodSync(workspace.path("gatehouse"), 0o755);
        const words = ["-m", "sh", "-c", readOnly, "sh", workspace.path("state"), workspace.path("gatehouse"), ...args];
        const one = new RunningProcess("unshare", words, { PATH: process.env["PATH"] ?? "" });
        await one.until("the flow host runs", () => one.lines.some((line) => line.includes("flow host runs")), 120_000);
        await one.until("the console answers", () =>
          fetch(`http://127.0.0.1:${port}/`).then(
            ({ ok }) => ok,
            () => false,
          ),
        );
        expect(one.lines.filter((line) => line.includes("can be written")).join()).toBe("");
        expect(await one.end("SIGTERM"), one.lines.slice(-10).join("\n")).toBe(0);
      } finally {
        workspace.remove();
      }
    },
    200_000,
  );
});

/** Everything that is mounted becomes read-only but the state folder, the rest of /tmp and /dev/shm included; then the program, as nobody, without rights and HOME. */
const readOnly = `set -e; state=$1; shift
mount --make-rprivate /; mount --bind "$state" "$state"
while read -r _ at _; do case $at in "$state" | /proc* | /sys* | /dev | /dev/pts) ;; *) mount -o remount,ro,bind "$at" 2>/dev/null || : ;; esac; done </proc/mounts
for place in / /tmp /dev/shm; do if touch "$place/gatehouse-can" 2>/dev/null; then echo "$place can be written"; fi; done
exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all env -i PATH=/usr/bin:/bin "$@"`;

function thinSite(consolePort: number): string {
  return [
    "gateway: { id: gw-thin-01, tenant: acme, site: field }",
    "equipment:",
    "  - { id: loop-1, address: 127.0.0.1, driver: loopback, pollIntervalMs: 1000 }",
    "traps: { enabled: false }",
    "syslog: { enabled: false }",
    `console: { port: ${consolePort} }`,
    "clock: { source: host }",
    "buffer: { budgetBytes: 16777216, durabilityWindowMs: 500 }",
    "",
  ].join("\n");
}
