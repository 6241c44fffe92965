import { execFileSync, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder, written } from "../config/configuration-kit.ts";
import { ended, runCli, stackTrace, startCli } from "./run-cli.ts";

const isRoot = process.getuid?.() === 0;

/** A UDP port that is free now. */
async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(resolve));
  return port;
}

/** A gateway without uplink and page, with ports of its own and one equipment that answers from memory. */
async function quietGateway(more = ""): Promise<string> {
  const [traps, syslog] = [await freeUdpPort(), await freeUdpPort()];
  return written({
    "gatehouse.yaml": `gateway: { id: gw-test-01 }
equipment: [{ id: loop-1, address: 127.0.0.1, driver: loopback, pollIntervalMs: 1000 }]
traps: { host: 127.0.0.1, port: ${traps} }
syslog: { host: 127.0.0.1, port: ${syslog} }
buffer: { budgetBytes: 33554432 }
console: { enabled: false }
${more}`,
  });
}

async function untilStatus(state: string, deadlineMs = 60_000): Promise<Record<string, unknown>> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const { code, stdout } = await runCli(["status", "--state", state, "--json"]);
    if (code === 0) return JSON.parse(stdout) as Record<string, unknown>;
    if (performance.now() > endMs) throw new Error("the gateway did not answer in time");
  }
}

describe("gatehouse run", () => {
  it("logs JSON lines, answers status, and stops cleanly with 0 on SIGTERM", async () => {
    const state = join(temporaryFolder(), "state");
    const child = startCli(["run", "--config", await quietGateway(), "--state", state]);
    const end = ended(child, 90_000);
    const status = await untilStatus(state);
    expect(status).toMatchObject({ gateway: { id: "gw-test-01" } });
    expect(status).toMatchObject({ receivers: { traps: { received: 0, refused: 0 }, syslog: { received: 0 } }, discovery: { devices: 0 } });
    expect(statSync(state).mode & 0o777).toBe(0o700);
    expect(statSync(join(state, "control.sock")).mode & 0o777).toBe(0o600);
    child.kill("SIGTERM");
    const { code, stdout, stderr } = await end;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ message }) => message)).toContain("gateway starts");
    expect(lines.every(({ level, time }) => typeof level === "string" && typeof time === "string")).toBe(true);
    expect(existsSync(join(state, "control.sock"))).toBe(false);
  });

  it("says less with --log-level error", async () => {
    const state = join(temporaryFolder(), "state");
    const child = startCli(["--log-level", "error", "run", "--config", await quietGateway(), "--state", state]);
    const end = ended(child, 90_000);
    await untilStatus(state);
    child.kill("SIGINT");
    expect(await end).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("ends with 4 when another gateway uses the state folder, and leaves that one alone", async () => {
    const state = join(temporaryFolder(), "state");
    startCli(["run", "--config", await quietGateway(), "--state", state]);
    await untilStatus(state);
    const second = await runCli(["run", "--config", await quietGateway(), "--state", state], { timeoutMs: 90_000 });
    expect(second.code).toBe(4);
    expect(second.stderr).toMatch(/\[buffer\.busy\] /);
    expect(second.stderr).not.toMatch(stackTrace);
    expect(await untilStatus(state)).toMatchObject({ gateway: { id: "gw-test-01" } });
  });

  it("starts again where a killed one left its socket behind", async () => {
    const state = join(temporaryFolder(), "state");
    const first = startCli(["run", "--config", await quietGateway(), "--state", state]);
    await untilStatus(state);
    const gone = ended(first, 90_000);
    first.kill("SIGKILL");
    await gone;
    expect(existsSync(join(state, "control.sock"))).toBe(true);
    startCli(["run", "--config", await quietGateway(), "--state", state]);
    expect(await untilStatus(state)).toMatchObject({ gateway: { id: "gw-test-01" } });
  });

  it("goes on polling where the port of traps is taken, and says so in its status", async () => {
    const taken = createSocket("udp4");
    await new Promise<void>((resolve) => taken.bind(0, "127.0.0.1", resolve));
    onTestFinished(() => void taken.close());
    const state = join(temporaryFolder(), "state");
    const text = readFileSync(await quietGateway(), "utf8").replace(
      /traps: .*/,
      `traps: { host: 127.0.0.1, port: ${taken.address().port} }`,
    );
    startCli(["run", "--config", written({ "gatehouse.yaml": text }), "--state", state]);
    const endMs = performance.now() + 60_000;
    let receivers: unknown;
    for (; performance.now() < endMs && !JSON.stringify(receivers ?? "").includes("problem"); ) ({ receivers } = await untilStatus(state));
    expect(receivers).toMatchObject({ traps: { problem: expect.stringMatching(/^traps are not received: UDP port \d+ is taken by /) } });
    expect(receivers).not.toMatchObject({ syslog: { problem: expect.anything() } });
  });

  it.each([
    ["is a file", (folder: string) => written({ "gatehouse.yaml": folder })],
    ["lies below a file", (folder: string) => join(written({ "gatehouse.yaml": folder }), "state")],
    ["lies where no folder can be made", () => "/proc/gatehouse/state"],
  ])("ends with 4 when the state folder %s", async (_what, place) => {
    const { code, stderr } = await runCli(["run", "--config", await quietGateway(), "--state", place(temporaryFolder())]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/\[buffer\.denied\] /);
    expect(stderr).not.toMatch(stackTrace);
  });

  it.skipIf(!isRoot)("ends with 4 when the state folder may not be written (needs root to become another user)", async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "state"), { mode: 0o755 });
    const config = await quietGateway();
    execFileSync("chmod", ["-R", "a+rX", join(config, "..")]);
    const { code, stderr } = await runCli(["run", "--config", config, "--state", join(folder, "state")], { uid: 65_534 });
    expect(code).toBe(4);
    expect(stderr).toMatch(/state folder .* may not be written by this user\n\[buffer\.denied\] /);
    expect(stderr).not.toMatch(stackTrace);
  });

  const mountable = isRoot && canMount();
  it.skipIf(!mountable)("ends with 4 when the disk is full at the start (needs the right to mount a tmpfs)", async () => {
    const folder = temporaryFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "none", folder]);
    onTestFinished(() => void spawnSync("umount", ["-l", folder]));
    const { code, stderr } = await runCli(["run", "--config", await quietGateway(), "--state", join(folder, "state")]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/\[buffer\.disk-full\] /);
    expect(stderr).not.toMatch(stackTrace);
  });
});

function canMount(): boolean {
  const probe = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
  return probe.status === 0;
}
