import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openState } from "../../runtime/store/state.ts";

describe("the state database", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-state-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("keeps what was put, over a restart", () => {
    const state = openState(folder);
    state.put({ "uplink/connection": "7", identity: Uint8Array.of(1, 2, 3) });
    state.close();
    const again = openState(folder);
    expect(again.getText("uplink/connection")).toBe("7");
    expect([...(again.get("identity") ?? [])]).toEqual([1, 2, 3]);
    expect(again.get("nothing")).toBeUndefined();
    again.close();
  });

  it("lists keys by prefix in order and deletes what is put as undefined", () => {
    const state = openState(folder);
    state.put({ "a/2": "x", "a/1": "x", b: "x", "a/3": "x" });
    state.put({ "a/2": undefined });
    expect(state.keys("a/", 10)).toEqual(["a/1", "a/3"]);
    expect(state.keys("", 2)).toEqual(["a/1", "a/3"]);
    state.close();
  });

  it("puts all or nothing", () => {
    const state = openState(folder);
    expect(() => state.put({ good: "x", "Bad key": "x" })).toThrow(TypeError);
    expect(() => state.put({ good: "x", big: new Uint8Array(1024 * 1024 + 1) })).toThrow(RangeError);
    expect(state.get("good")).toBeUndefined();
    state.close();
  });

  it.each([
    ["cut to nothing", (file: string) => truncateSync(file, 0)],
    ["cut short", (file: string) => truncateSync(file, 5_000)],
    ["overwritten by something else", (file: string) => writeFileSync(file, "this is no database, it is a poem ".repeat(400))],
    ["overwritten in the middle", (file: string) => writeFileSync(file, readFileSync(file).fill(0xa5, 4096, 8000))],
    ["removed", (file: string) => rmSync(file)],
  ])("is restored from its copy when it was %s", (_, harm) => {
    const state = openState(folder);
    state.put({ identity: "me".repeat(3000) });
    state.close();
    harm(join(folder, "state.db"));
    let told: [string, boolean] | undefined;
    const again = openState(folder, { wallMs: 1_800_000_000_000, onDamage: (...what) => (told = what) });
    expect(again.getText("identity")).toBe("me".repeat(3000));
    again.close();
    expect(told?.[1]).toBe(true);
    expect(told?.[0]).toMatch(/^corrupt\/2027/);
  });

  it("begins anew, and says so, when the copy is damaged too", () => {
    openState(folder).close();
    for (const name of ["state.db", "state.bak"]) writeFileSync(join(folder, name), "nonsense".repeat(2000));
    let told: [string, boolean] | undefined;
    const state = openState(folder, { onDamage: (...what) => (told = what) });
    expect(told?.[1]).toBe(false);
    state.put({ works: "yes" });
    state.close();
  });

  it("refuses a second opener", () => {
    const state = openState(folder);
    expect(() => openState(folder)).toThrow(expect.objectContaining({ code: "buffer.busy" }));
    state.close();
  });

  it.skipIf(process.getuid?.() === 0)("says that the folder cannot be written (needs a user that is not root)", () => {
    execFileSync("chmod", ["500", folder]);
    expect(() => openState(folder)).toThrow(expect.objectContaining({ code: "buffer.denied" }));
  });

  it("is readable by its owner only", () => {
    openState(folder).close();
    expect(statSync(join(folder, "state.bak")).mode & 0o077).toBe(0);
  });
});
