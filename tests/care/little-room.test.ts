import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diagnoseMachine, type Finding } from "../../runtime/host/diagnosis.ts";
import { EngineKit } from "../alarms/alarm-kit.ts";
import { gatehouseCommand } from "../program.ts";

/** A small file system of our own, without being root: a user namespace with a mount of its own. */
async function within(script: string, ...words: readonly string[]): Promise<string> {
  return (await promisify(execFile)("unshare", ["-rm", "sh", "-euc", script, "sh", ...words], { timeout: 120_000 })).stdout;
}
const canMount = await within("mount -t tmpfs -o size=1m none /mnt").then(
  () => true,
  () => false,
);

describe("a gateway whose file system fills", () => {
  let used: number | undefined;
  let kit: EngineKit;
  const severities = () => kit.engine.list.active().map(({ type, severity }) => `${type} ${severity}`);
  beforeEach(() => {
    used = 0.5;
    kit = new EngineKit({ diskUsed: () => used });
    kit.pass(61_000);
  });

  it("says so in steps, with what to do, and takes it back only when there is room again", () => {
    expect(severities()).toEqual([]);
    for (const [share, said] of [
      [0.91, "warning"],
      [0.96, "major"],
      [0.985, "critical"],
      [0.89, "critical"],
    ] as const) {
      used = share;
      kit.pass(61_000);
      expect(severities()).toEqual([`diskNearlyFull ${said}`]);
    }
    expect(kit.engine.list.active()[0]?.text).toContain("98 % full: updates and support bundles wait");
    used = 0.87;
    kit.pass(61_000);
    expect(severities()).toEqual([]);
  });

  it("leaves what it said standing while nobody can tell", () => {
    used = 0.97;
    kit.pass(61_000);
    used = undefined;
    kit.pass(300_000);
    expect(severities()).toEqual(["diskNearlyFull major"]);
  });

  it.skipIf(!canMount)("is given no support bundle there, but doctor says what is wrong (needs unshare -rm)", async () => {
    const place = mkdtempSync(join(tmpdir(), "gatehouse-room-"));
    const { command, args } = gatehouseCommand([]);
    const script = [
      'place=$1; shift; mount -t tmpfs -o size=8m none "$place"; mkdir -m 700 "$place/state"',
      'head -c 8100000 /dev/zero >"$place/filler"',
      '"$@" support-bundle --state "$place/state" --out "$place/bundle.tar.gz" 2>&1 && echo "ended with 0" || echo "ended with $?"',
      'ls "$place"; "$@" doctor --state "$place/state" --json || true',
    ].join("\n");
    const said = await within(script, place, command, ...args).finally(() => rmSync(place, { recursive: true }));
    expect(said).toMatch(
      /only 0 MB are free beside .*bundle\.tar\.gz, too little for a bundle: give a place on another file system with --out/,
    );
    expect(said).toMatch(/ended with 4\nfiller\nstate\n/);
    const findings = JSON.parse(said.slice(said.indexOf("\n[\n") + 1)) as readonly Finding[];
    expect(findings.find(({ name }) => name === "disk")).toMatchObject({
      verdict: "wrong",
      sentence: expect.stringMatching(/^9\d % used: free space, or lower buffer\.budgetBytes/),
    });
  });
});

describe("doctor, on a machine", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "gatehouse-machine-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const says = (files: Readonly<Record<string, string>>, name: string) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return diagnoseMachine(root, root).find((one) => one.name === name);
  };

  it.each([
    ["too hot", "temperature", { "sys/class/thermal/thermal_zone0/temp": "84000" }, "warning", "84 °C: give it air, or a heat sink"],
    ["cool", "temperature", { "sys/class/thermal/thermal_zone0/temp": "41000" }, "ok", "41 °C"],
    ["slowed down", "power", { "sys/devices/platform/soc/soc:firmware/get_throttled": "50005" }, "warning", /power supply/],
    ["that was slowed down once", "power", { "sys/devices/platform/soc/soc:firmware/get_throttled": "50000" }, "ok", "not throttled"],
    ["with a worn card", "flash", { "sys/block/mmcblk0/device/life_time": "0x09 0x02" }, "warning", /90 % of its life is used: replace/],
    ["with a new card", "flash", { "sys/block/mmcblk0/device/life_time": "0x01 0x01" }, "ok", "10 % of its life is used"],
    ["without memory", "memory", { "proc/meminfo": "MemTotal: 500000 kB\nMemAvailable: 20000 kB\n" }, "warning", /20 MB left/],
    ["that does not say", "flash", {}, "unknown", "this machine does not say"],
  ])("%s: %s", (_, name, files, verdict, sentence) => {
    const found = says(files as Readonly<Record<string, string>>, name);
    expect(found?.verdict).toBe(verdict);
    expect(found?.sentence).toMatch(sentence);
  });

  it("with an update on probation says so", () => {
    expect(says({ "slots/boot": "active=a pending=b tries=2\n" }, "slots")).toMatchObject({ verdict: "warning" });
    expect(says({ "slots/boot": "active=b\n" }, "slots")).toMatchObject({ verdict: "ok" });
  });
});
