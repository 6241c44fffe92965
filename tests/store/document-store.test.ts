import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDocumentStore } from "../../runtime/store/document-store.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-documents-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string) => Buffer.from(text);
const digest = (text: string) => createHash("sha256").update(text).digest("hex");

describe("documents on the disk", () => {
  it("are there after a restart, by their digest", () => {
    openDocumentStore(folder).write(digest("one"), bytes("one"));
    const again = openDocumentStore(folder);
    expect(again.has(digest("one"))).toBe(true);
    expect(Buffer.from(again.read(digest("one")) ?? []).toString()).toBe("one");
  });

  it("are refused under another digest, and not there any more once they are damaged", () => {
    const store = openDocumentStore(folder);
    expect(() => store.write(digest("one"), bytes("two"))).toThrow("digest");
    store.write(digest("one"), bytes("one"));
    writeFileSync(join(folder, "documents", digest("one")), "damaged");
    expect(store.read(digest("one"))).toBeUndefined();
    expect(store.has(digest("one"))).toBe(false);
  });

  it("make room when nobody names them, begun transfers with them", () => {
    const store = openDocumentStore(folder);
    store.write(digest("kept"), bytes("kept"));
    store.write(digest("old"), bytes("old"));
    store.keepPartial(digest("begun"), bytes("beg"));
    store.retain(new Set([digest("kept")]));
    expect(readdirSync(join(folder, "documents"))).toEqual([digest("kept")]);
  });

  it("take no name that is no digest", () => {
    const store = openDocumentStore(folder);
    for (const name of ["../state.db", "", "AB".repeat(32), `${digest("a")}/x`]) expect(() => store.has(name)).toThrow(TypeError);
  });

  it("stand beside a mark that is whole or as before", () => {
    const store = openDocumentStore(folder);
    expect(store.readMark()).toBeUndefined();
    store.writeMark('{"epoch":0,"gen":7,"hash":""}');
    expect(openDocumentStore(folder).readMark()?.trim()).toBe('{"epoch":0,"gen":7,"hash":""}');
  });
});
