import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeStateFolder } from "../../runtime/host/state-folder.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-state-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("state folder", () => {
  it("is made with everything above it, closed to others, and may be there already", () => {
    const folder = join(temporaryFolder(), "a/b/c");
    makeStateFolder(folder);
    makeStateFolder(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it("may be a link to a folder", () => {
    const folder = temporaryFolder();
    symlinkSync(temporaryFolder(), join(folder, "link"));
    makeStateFolder(join(folder, "link"));
  });

  it.each([
    ["a file", (folder: string) => join(folder, "file"), /is not a folder$/],
    ["below a file", (folder: string) => join(folder, "file/x/y"), /lies below something that is not a folder$/],
    ["below /proc", () => "/proc/x/y", /cannot be made there$/],
    ["below /sys", () => "/sys/x", /(cannot be made there|may not be written by this user|is on a read-only file system)$/],
    ["too long a name", (folder: string) => join(folder, "x".repeat(300)), /has too long a name$/],
    ["a thousand levels deep", (folder: string) => join(folder, "x/".repeat(1000)), /(more than 32 folders above it|too long a name)/],
    ["a link that leads nowhere", (folder: string) => join(folder, "dangling"), /is not a folder$/],
  ])("is refused when it is %s", (_what, place, sentence) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "");
    symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
    expect(() => makeStateFolder(place(folder))).toThrow(
      expect.objectContaining({ code: "buffer.denied", message: expect.stringMatching(sentence) }),
    );
  });
});
