import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseRole, type RootRole, type Signed, verifySignatures } from "../../cloud-bridge/protocol/release/metadata.ts";
import { parseHostMessage } from "../../flows/host-message.ts";
import { parseHead } from "../../runtime/console/request-head.ts";
import { SealedFiles } from "../../runtime/host/sealed-file.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";

/** Found by fuzzing; each once brought the process down or cost it without bound. */
describe("a value that is of another kind than its reader thinks", () => {
  it("does not make a sealed file cost memory: a `length` is not a text", () => {
    const folder = mkdtempSync(join(tmpdir(), "gatehouse-sealed-"));
    try {
      const sealed = new SealedFiles(join(folder, "root.key"), systemEntropy, () => "board");
      const file = join(folder, "identity.sealed");
      sealed.write(file, { gateway: "gw-1" });
      writeFileSync(file, JSON.stringify({ v: 1, iv: { length: 400_000_000 }, tag: "", data: "" }));
      const before = process.memoryUsage().rss;
      expect(() => sealed.read(file)).toThrowError(/does not open/);
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each([{ spec_version: { toString: 1 } }, { expires: { toString: 1 } }, { expires: ["2030-01-01T00:00:00Z"] }])(
    "makes metadata of releases untrusted: %j",
    (change) => {
      const signed = { _type: "snapshot", spec_version: "1.0.31", version: 1, expires: "2030-01-01T00:00:00Z", meta: {}, ...change };
      const bytes = Buffer.from(JSON.stringify({ signed, signatures: [] }));
      expect(() => parseRole("snapshot", bytes)).toThrowError(expect.objectContaining({ code: "update.untrusted" }));
    },
  );

  it.each([
    ["a fraction", "1.5"],
    ["nesting without end", `${"[".repeat(30_000)}${"]".repeat(30_000)}`],
  ])("makes metadata untrusted where it has no canonical form: %s", (_what, member) => {
    const meta = `{"targets.json":{"version":1,"length":1,"hashes":{"sha256":"${"0".repeat(64)}"}}}`;
    const head = `"_type":"snapshot","spec_version":"1.0.31","version":1,"expires":"2030-01-01T00:00:00Z"`;
    const document = parseRole("snapshot", Buffer.from(`{"signatures":[],"signed":{${head},"meta":${meta},"x":${member}}}`)) as Signed;
    const root = { keys: {}, roles: { snapshot: { keyids: [], threshold: 1 } } } as unknown as RootRole;
    expect(() => verifySignatures(root, "snapshot", document)).toThrowError(expect.objectContaining({ code: "update.untrusted" }));
  });

  it.each(['{"t":"__proto__"}', '{"t":"toString"}', '{"t":"constructor"}', '{"t":{"toString":1}}'])(
    "is no message of the flow host: %s",
    (text) => {
      expect(parseHostMessage(text)).toBeUndefined();
    },
  );

  it("reads a head full of blanks once, not once per blank", () => {
    const head = Buffer.from(`GET / HTTP/1.1\r\nHost:\t x\t \r\nX: a${" ".repeat(16_000)}b\r\n\r\n`);
    for (let turn = 0; turn < 200; turn++) expect(parseHead(head)?.headers.get("host")).toBe("x");
  });
});
