import { execFile, spawn } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { State } from "../../runtime/ports/state.ts";
import { CutDisk, PowerCut } from "./cut-disk.ts";
import { programOf, ReleaseKit, runUntil, sha256 } from "./release-kit.ts";

const launch = join(import.meta.dirname, "../../build/systemd/launch");
const isLong = process.env.GATEHOUSE_UPDATE_KILLS !== undefined;
/** Does not compress, so that a delta is worth its while. */
const body = Array.from({ length: 500 }, (_, i) => sha256(Buffer.from([i, i >> 8]))).join("");
const old = programOf("1.0.0", body);
const next = programOf("1.1.0", body);

/** What the launcher starts: the first line the program says. */
async function started(stateDir: string, factory: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const environment = {
    ...process.env,
    ...more,
    GATEHOUSE_STATE: stateDir,
    GATEHOUSE_FACTORY: factory,
    GATEHOUSE_LOOK_S: "0.02",
    RUNTIME_DIRECTORY: join(stateDir, "run"),
  };
  const { stdout } = await promisify(execFile)("sh", [launch], { env: environment });
  return stdout.trim();
}

describe("an update that is cut off", () => {
  let kit: ReleaseKit;
  let url: string;
  let factory: string;

  beforeEach(async () => {
    kit = new ReleaseKit();
    kit.release("1.0.0", old);
    kit.release("1.1.0", next, { bases: [kit.path("program-1.0.0")] });
    url = await kit.serve();
    factory = kit.path("program-1.0.0");
    chmodSync(factory, 0o755);
  });

  afterEach(() => kit.end());

  /** The whole update on one disk: to the armed slot, then its probation in the new program. @throws PowerCut */
  async function update(name: string, disk: CutDisk): Promise<string> {
    const around = (state: State) => disk.around(state);
    const before = kit.gateway(name, url, { version: "1.0.0", file: factory, disk, around });
    if (before.updater.current().phase !== "confirmed") {
      await before.updater.request({ version: "1.1.0" }, {});
      await runUntil(before.updater, "armed", () => before.slots.boot().pending !== undefined);
    }
    const after = kit.gateway(name, url, { version: "1.1.0", file: before.slots.program("a"), slot: "a", disk, around, probationMs: 10 });
    await runUntil(after.updater, "confirmed", () => after.updater.current().phase === "confirmed");
    return after.stateDir;
  }

  it("starts the old or the new program, whole, whatever change the power went before", async () => {
    const whole = new CutDisk();
    const stateDir = await update("whole", whole);
    expect(await started(stateDir, factory)).toBe("program 1.1.0 as run");
    expect(whole.changes).toBeGreaterThan(20);
    const seen: Record<string, number> = {};
    for (let cut = 1; cut <= whole.changes; cut++) {
      const disk = new CutDisk(cut);
      const name = `cut-${cut}`;
      await expect(update(name, disk)).rejects.toThrow(PowerCut);
      disk.loseWhatWasNotDurable();
      const line = await started(kit.path(name), factory);
      seen[line] = (seen[line] ?? 0) + 1;
    }
    if (isLong) process.stdout.write(`${whole.changes} cuts: ${JSON.stringify(seen)}\n`);
    expect(Object.keys(seen).sort()).toEqual(["program 1.0.0 as run", "program 1.1.0 as run"]);
  }, 120_000);

  it("is taken back whole, too, whatever change of that the power went before; and it is not tried again", async () => {
    const wanted = { version: "1.1.0" };
    /** A version that does not reach the NOC, from its first start on. @throws PowerCut */
    const takenBack = async (name: string, disk: CutDisk) => {
      const before = kit.gateway(name, url, { version: "1.0.0", file: factory });
      await before.updater.request(wanted, {});
      await runUntil(before.updater, "armed", () => before.slots.boot().pending !== undefined);
      const own = {
        version: "1.1.0",
        file: before.slots.program("a"),
        slot: "a",
        disk,
        around: (state: State) => disk.around(state),
      } as const;
      const after = kit.gateway(name, url, { ...own, probationMs: 4, nocReached: () => false });
      await runUntil(
        after.updater,
        "given up",
        () => after.slots.boot().pending === undefined && after.updater.current().phase === "rolled-back",
      );
    };
    const whole = new CutDisk();
    await takenBack("back", whole);
    expect(whole.changes).toBeGreaterThan(5);
    // All of them in a long run, every other one else.
    for (let cut = 1; cut <= whole.changes; cut += isLong ? 1 : 2) {
      const disk = new CutDisk(cut);
      const name = `back-${cut}`;
      await expect(takenBack(name, disk)).rejects.toThrow(PowerCut);
      disk.loseWhatWasNotDurable();
      // Started again until nothing is on probation any more, as init does.
      let line = "";
      for (let start = 0; start < 4; start++) line = await started(kit.path(name), factory);
      expect(line).toBe("program 1.0.0 as run");
      const again = kit.gateway(name, url, { version: "1.0.0", file: factory });
      await runUntil(again.updater, "settled", () => again.updater.current().phase === "rolled-back");
      await expect(again.updater.request(wanted, {})).rejects.toMatchObject({ code: "update.refused" });
    }
    if (isLong) process.stdout.write(`${whole.changes} cuts of a version taken back\n`);
  }, 120_000);

  it("goes on with the part that was received", async () => {
    kit.release(
      "1.2.0",
      programOf("1.2.0", Array.from({ length: 30_000 }, (_, i) => sha256(Buffer.from([i, i >> 8])).slice(0, 8)).join("")),
    );
    let served = 0;
    kit.attack = (path, response) => {
      if (!path.endsWith("1.2.0/linux-x64.zst") || served++ > 0) return false;
      const bytes = readFileSync(kit.path("repository", path));
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 70_000), () => response.destroy());
      return true;
    };
    const first = kit.gateway("g", url, { version: "1.0.0", file: factory });
    await first.updater.request({ version: "1.2.0" }, {});
    await runUntil(first.updater, "broken off", () => first.updater.current().problem?.code === "update.unreachable");
    const again = kit.gateway("g", url, { version: "1.0.0", file: factory });
    await runUntil(again.updater, "armed", () => again.slots.boot().pending !== undefined);
    const ranges = kit.requests.filter((one) => one.startsWith("targets/1.2.0"));
    expect(ranges).toHaveLength(2);
    expect(Number(/bytes=(\d+)-/.exec(ranges[1] ?? "")?.[1])).toBeGreaterThan(0);
  });

  it("is made from the full file when the delta does not do", async () => {
    kit.attack = (path, response) => path.endsWith(".delta") && (response.end(Buffer.alloc(10_000)), true);
    const { updater, slots } = kit.gateway("g", url, { version: "1.0.0", file: factory });
    await updater.request({ version: "1.1.0" }, {});
    await runUntil(updater, "armed", () => slots.boot().pending !== undefined);
    expect(readFileSync(slots.program("a"))).toEqual(next);
    expect(kit.requests.filter((one) => one.startsWith("targets/"))).toHaveLength(2);
  });
});

describe("the launcher", () => {
  let kit: ReleaseKit;
  let stateDir: string;
  let factory: string;
  const slot = (name: "a" | "b", script: string) => {
    mkdirSync(join(stateDir, "slots", name), { recursive: true });
    writeFileSync(join(stateDir, "slots", name, "gatehouse"), script, { mode: 0o755 });
  };
  const boot = (line?: string) => {
    if (line === undefined) return readFileSync(join(stateDir, "slots/boot"), "utf8").trim();
    writeFileSync(join(stateDir, "slots/boot"), `${line}\n`);
    return line;
  };

  beforeEach(() => {
    kit = new ReleaseKit();
    stateDir = kit.path("state");
    mkdirSync(join(stateDir, "slots"), { recursive: true });
    factory = kit.path("factory");
    writeFileSync(factory, programOf("1.0.0"), { mode: 0o755 });
  });

  afterEach(() => kit.end());

  it("tries a program that cannot start three times, then goes back and says so", async () => {
    slot("b", "this is no program\n");
    boot("active=factory pending=b tries=3");
    for (const tries of ["2", "1", "0"]) {
      await expect(started(stateDir, factory)).rejects.toThrow();
      expect(boot()).toBe(`active=factory pending=b tries=${tries}`);
    }
    expect(await started(stateDir, factory)).toBe("program 1.0.0 as run");
    expect(boot()).toBe("active=factory");
    expect(readFileSync(join(stateDir, "slots/failed"), "utf8").trim()).toBe("b");
  });

  it.each(["", "active=x pending=q tries=99", "\u0000\u0001", "active=a pending=", "active=b"])(
    "starts the program of the package when boot says %j",
    async (line) => {
      boot(line);
      expect(await started(stateDir, factory)).toBe("program 1.0.0 as run");
    },
  );

  it("ends a program that gives no sign of life", async () => {
    slot("a", "#!/bin/sh\necho hangs\nexec sleep 60\n");
    boot("active=factory pending=a tries=1");
    const environment = {
      ...process.env,
      GATEHOUSE_STATE: stateDir,
      GATEHOUSE_FACTORY: factory,
      GATEHOUSE_LOOK_S: "0.05",
      GATEHOUSE_HANG_S: "0",
      RUNTIME_DIRECTORY: join(stateDir, "run"),
    };
    await expect(promisify(execFile)("sh", [launch], { env: environment })).rejects.toMatchObject({ code: 137 });
    expect(await started(stateDir, factory)).toBe("program 1.0.0 as run");
  });

  it("passes a stop on and ends with the program's own code", async () => {
    slot("a", '#!/bin/sh\ntrap "exit 7" TERM\necho up\nwhile :; do sleep 0.02; done\n');
    boot("active=a");
    const child = spawn("sh", [launch], {
      env: { ...process.env, GATEHOUSE_STATE: stateDir, GATEHOUSE_FACTORY: factory, RUNTIME_DIRECTORY: join(stateDir, "run") },
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    child.kill("SIGTERM");
    expect(await ended).toBe(7);
  });

  it("starts the old or the new program wherever its own changes of boot are cut", async () => {
    // The tools it calls, counted: at the n-th it is killed before the tool does its work.
    for (const tool of ["mv", "sync"]) {
      const script = `#!/bin/sh\necho x >>"$CALLS"\n[ "$(wc -l <"$CALLS")" -lt "$CUT" ] || { kill -9 $PPID; exit 1; }\nexec /bin/${tool} "$@"\n`;
      mkdirSync(kit.path("tools"), { recursive: true });
      writeFileSync(kit.path("tools", tool), script, { mode: 0o755 });
    }
    const seen: string[] = [];
    for (const tries of [1, 0]) {
      for (let cut = 1; cut <= 6; cut++) {
        slot("b", programOf("1.1.0").toString());
        boot(`active=factory pending=b tries=${tries}`);
        rmSync(kit.path("calls"), { force: true });
        const tools = { PATH: `${kit.path("tools")}:${process.env.PATH ?? ""}`, CALLS: kit.path("calls"), CUT: String(cut) };
        await started(stateDir, factory, tools).catch(() => "cut");
        seen.push(await started(stateDir, factory));
      }
    }
    expect([...new Set(seen)].sort()).toEqual(["program 1.0.0 as run", "program 1.1.0 as run"]);
  }, 120_000);

  it("leaves a half-written boot file alone: the old line counts", async () => {
    cpSync(factory, kit.path("copy"));
    slot("a", programOf("1.1.0").toString());
    boot("active=a");
    writeFileSync(join(stateDir, "slots/boot.new"), "active=b pen");
    expect(await started(stateDir, factory)).toBe("program 1.1.0 as run");
    copyFileSync(kit.path("copy"), factory);
    expect(existsSync(join(stateDir, "slots/boot"))).toBe(true);
  });
});
