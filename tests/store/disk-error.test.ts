import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toStoreError } from "../../runtime/store/disk-error.ts";
import { openState } from "../../runtime/store/state.ts";

describe("what the store says of the disk", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-said-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("names the other process and the way out when two gateways share a state folder", () => {
    mkdirSync(join(folder, "state"));
    const state = openState(join(folder, "state"));
    expect(() => openState(join(folder, "state"))).toThrow(
      expect.objectContaining({
        code: "buffer.busy",
        message: "state.db is in use by another process (SQLITE_BUSY): stop the other gateway, or choose another state folder with --state",
      }),
    );
    state.close();
  });

  it.each([
    [
      "ENOSPC",
      "buffer.disk-full",
      "no space is left for journal.ring (ENOSPC): free some on that file system, or give the buffer a smaller budgetBytes",
    ],
    [
      "EROFS",
      "buffer.denied",
      "journal.ring cannot be written (EROFS): check owner and rights, and whether its file system became read-only",
    ],
    ["EIO", "buffer.io", "the disk failed at journal.ring (EIO): the file is opened again; if this repeats, replace the card"],
    ["SQLITE_CORRUPT_VTAB", "buffer.corrupt", "journal.ring is damaged (SQLITE_CORRUPT_VTAB)"],
  ])("says in a sentence what %s is and what to do", (errno, code, message) => {
    expect(toStoreError(Object.assign(new Error(errno), { code: errno }), { file: "journal.ring" })).toMatchObject({ code, message });
  });
});
