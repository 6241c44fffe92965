import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { peer } from "../peers.ts";

const build = join(import.meta.dirname, "../../build");
const busybox = peer("busybox");

describe.skipIf(!busybox.available)("the shell programs of the packages, by busybox's shell and tools alone", () => {
  let folder: string;
  let environment: Record<string, string>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-shell-"));
    const tools = join(folder, "tools");
    mkdirSync(tools);
    for (const name of ["sh", "sleep", "mkdir", "rm", "mv", "sync", "cat", "sed", "head"]) symlinkSync(busybox.path, join(tools, name));
    environment = { PATH: tools };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("are understood", () => {
    const files = [
      ...globSync("{systemd/{launch,spare-flash,gatehouse.sh},debian/post*,debian/prerm,openwrt/*.init}", { cwd: build }),
      "install.sh",
    ];
    expect(files).toHaveLength(8);
    for (const file of files) execFileSync(busybox.path, ["ash", "-n", join(build, file)]);
  });

  it("have procd start the launcher as its user, for ever, with the state on flash, and not reach for anything else", () => {
    const calls = procdCalls();
    expect(calls.filter(([name]) => name === "mkdir")).toEqual([["mkdir", "-p", "/var/run/gatehouse", "/srv/gatehouse"]]);
    expect(calls.filter(([name]) => name === "chown")).toEqual([["chown", "gatehouse:gatehouse", "/var/run/gatehouse", "/srv/gatehouse"]]);
    const parameters = Object.fromEntries(calls.filter(([name]) => name === "procd_set_param").map(([, key, ...values]) => [key, values]));
    expect(parameters).toMatchObject({
      command: ["/opt/gatehouse/launch"],
      user: ["gatehouse"],
      respawn: ["0", "5", "0"],
      no_new_privs: ["1"],
    });
    expect(calls.map(([name]) => name).filter((name) => name?.endsWith("_instance"))).toEqual([
      "procd_open_instance",
      "procd_close_instance",
    ]);
  });

  it("start the program with procd's settings, pass on the end, and tell how it went", async () => {
    const program = join(folder, "program");
    writeFileSync(program, `#!/bin/sh\necho "$GATEHOUSE_SLOT $*" >"${folder}/started"\ntrap 'exit 7' TERM\nwhile :; do sleep 1; done\n`);
    chmodSync(program, 0o755);
    // What procd would set, with its folders below ours.
    const settings = procdCalls().find(([name, key]) => name === "procd_set_param" && key === "env") ?? [];
    const given = Object.fromEntries(settings.slice(2).map((pair) => pair.split("=", 2) as [string, string]));
    const moved = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [key, value.startsWith("/") ? `${folder}${value}` : value]),
    );
    mkdirSync(`${folder}/srv/gatehouse`, { recursive: true });
    const launcher = spawn(busybox.path, ["ash", join(build, "systemd/launch")], {
      env: { ...environment, ...moved, GATEHOUSE_FACTORY: program, GATEHOUSE_LOOK_S: "1" },
      stdio: "ignore",
    });
    const ended = once(launcher, "exit");
    await expect
      .poll(() => existsSync(join(folder, "started")) && readFileSync(join(folder, "started"), "utf8"), { timeout: 60_000 })
      .toBe(`factory run --config /etc/gatehouse/gatehouse.yaml --state ${folder}/srv/gatehouse --beat ${folder}/var/run/gatehouse/beat\n`);
    launcher.kill("SIGTERM");
    expect(await ended).toEqual([7, null]);
  }, 90_000);

  /** Every call of the script that is not the shell's own, with its words. */
  function procdCalls(): readonly (readonly string[])[] {
    const recorded = ["mkdir", "chown", "procd_open_instance", "procd_set_param", "procd_close_instance"];
    const stubs = recorded.map((name) => `${name}() { printf '%s\\t' ${name} "$@"; echo; }\n`).join("");
    const script = `${stubs}. ${join(build, "openwrt/gatehouse.init")}\nstart_service\n`;
    const said = execFileSync(busybox.path, ["ash", "-eu", "-c", script], { encoding: "utf8", env: environment });
    return said
      .trimEnd()
      .split("\n")
      .map((line) => line.trimEnd().split("\t"));
  }
});
