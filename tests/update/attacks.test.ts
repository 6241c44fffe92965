import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { publicKeyOf, ReleaseRepository } from "../../cloud-bridge/noc/releases/repository.ts";
import { canonicalJson } from "../../cloud-bridge/protocol/release/canonical-json.ts";
import { keyIdOf, type TargetsRole } from "../../cloud-bridge/protocol/release/metadata.ts";
import { type GatewayOptions, programOf, ReleaseKit, runUntil } from "./release-kit.ts";

const old = programOf("1.0.0", "x".repeat(200_000));
const next = programOf("1.1.0", "x".repeat(200_000));

describe("an update under attack", () => {
  let kit: ReleaseKit;
  let url: string;

  beforeEach(async () => {
    kit = new ReleaseKit();
    kit.release("1.0.0", old);
    kit.release("1.1.0", next);
    url = await kit.serve();
  });

  afterEach(() => kit.end());

  /** Wants 1.1.0 and says what became of it; `installed` = a slot was armed. */
  async function attempt(name: string, options: Partial<GatewayOptions> = {}, version = "1.1.0") {
    const { updater, slots } = kit.gateway(name, url, { version: "1.0.0", file: kit.path("program-1.0.0"), ...options });
    await updater.request({ version }, {});
    await runUntil(updater, "an outcome", () => updater.current().problem !== undefined || slots.boot().pending !== undefined);
    return {
      installed: slots.boot().pending !== undefined,
      code: updater.current().problem?.code,
      message: updater.current().problem?.message,
    };
  }

  it("is installed when nobody attacks", async () => {
    expect(await attempt("honest")).toMatchObject({ installed: true });
  });

  it("is refused when older metadata is served than was seen (rollback)", async () => {
    const before = readFileSync(kit.path("repository/metadata/timestamp.json"));
    kit.repository.renew(kit.keys, kit.clock.now().wallMs);
    const { updater } = kit.gateway("g", url, { version: "1.0.0", file: kit.path("program-1.0.0") });
    await updater.request({ version: "9.9.9" }, {});
    await runUntil(updater, "newest seen", () => updater.current().problem?.code === "update.refused");
    kit.attack = (path, response) => path.endsWith("timestamp.json") && (response.end(before), true);
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.untrusted" });
  });

  it("is refused when metadata has expired (freeze)", async () => {
    kit.repository.renew(kit.keys, kit.clock.now().wallMs - 30 * 86_400_000);
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.untrusted", message: expect.stringContaining("expired") });
  });

  it("is refused when files of different moments are combined (mix and match)", async () => {
    const earlier = readFileSync(kit.path("repository/metadata/2.targets.json"));
    kit.attack = (path, response) => path.endsWith("3.targets.json") && (response.end(earlier), true);
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.untrusted" });
  });

  it("is refused when other keys signed it", async () => {
    const forged = new ReleaseRepository(kit.path("forged"));
    const keys = kit.makeKeys("other");
    forged.initialise(keys, 2, kit.clock.now().wallMs);
    const targets = kit.repository.read<TargetsRole>("targets");
    if (targets === undefined) throw new Error("no targets");
    forged.publish(targets.signed, keys, kit.clock.now().wallMs);
    kit.attack = (path, response) => path.startsWith("metadata/") && (response.end(readOr404(kit.path("forged", path))), true);
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.untrusted" });
  });

  it.each([
    ["once", 1],
    ["twice by the same key", 2],
  ])("is refused when too few keys signed: %s", async (_name, times) => {
    const [one = ""] = kit.keys.targets;
    const targets = kit.repository.read<TargetsRole>("targets");
    if (targets === undefined) throw new Error("no targets");
    kit.repository.publish(targets.signed, { ...kit.keys, targets: Array.from({ length: times }, () => one) }, kit.clock.now().wallMs);
    expect(await attempt("g")).toMatchObject({
      installed: false,
      code: "update.untrusted",
      message: "targets is signed by 1 of the 2 keys it needs",
    });
  });

  it("is refused when a new root is not signed by the old one's keys", async () => {
    // Sound in itself: it names the other keys for all roles and is signed by them.
    const keys = kit.makeKeys("other");
    const known = Object.fromEntries(
      Object.values(keys)
        .flat()
        .map((file) => [keyIdOf(publicKeyOf(file)), publicKeyOf(file)]),
    );
    const idsOf = (files: readonly string[]) => files.map((file) => keyIdOf(publicKeyOf(file)));
    kit.repository.rotateRoot(
      (root) => ({
        ...root,
        keys: { ...root.keys, ...known },
        roles: { ...root.roles, root: { ...root.roles.root, keyids: idsOf(keys.root) } },
      }),
      keys.root,
      kit.clock.now().wallMs,
    );
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.untrusted" });
  });

  it("waits and installs nothing while the file is cut short", async () => {
    kit.attack = (path, response) =>
      path.endsWith(".zst") && (response.end(readFileSync(kit.path("repository", path)).subarray(0, -10)), true);
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.unreachable" });
  });

  it.each(["targets/1.1.0/linux-x64.zst", "metadata/timestamp.json"])("is refused when %s never ends", async (endless) => {
    let sent = 0;
    kit.attack = (path, response) => {
      if (path !== endless) return false;
      const pour = () => {
        if (response.destroyed) return;
        sent += 65_536;
        response.write(randomBytes(65_536), () => setImmediate(pour));
      };
      pour();
      return true;
    };
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.untrusted" });
    expect(sent).toBeLessThan(64 * 65_536);
  });

  it("is refused when a single bit of the file is another", async () => {
    kit.attack = (path, response) => {
      if (!path.endsWith(".zst")) return false;
      const bytes = readFileSync(kit.path("repository", path));
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      response.end(bytes);
      return true;
    };
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.untrusted" });
  });

  it("is refused when there is only one for other hardware", async () => {
    kit.release("1.2.0", next, { hardware: "linux-arm64" });
    expect(await attempt("g", {}, "1.2.0")).toMatchObject({ installed: false, code: "update.refused" });
  });

  it("is refused when it is older than what runs, or than the oldest allowed", async () => {
    expect(await attempt("older", { version: "1.1.1" })).toMatchObject({ installed: false, code: "update.refused" });
    kit.release("2.0.0", next, { floor: "1.5.0" });
    const { updater, slots } = kit.gateway("floor", url, { version: "1.0.0", file: kit.path("program-1.0.0") });
    await updater.request({ version: "1.1.0" }, { allowOlder: true });
    await runUntil(updater, "refusal", () => updater.current().phase === "refused");
    expect(slots.boot().pending).toBeUndefined();
  });

  it("is refused when the file is right and its place in the metadata is not", async () => {
    const file = kit.path("repository/metadata/3.targets.json");
    const document = JSON.parse(readFileSync(file, "utf8"));
    document.signed.targets["1.1.0/linux-x64.zst"].custom.program.length += 1;
    writeFileSync(file, JSON.stringify(document));
    expect(canonicalJson(document.signed)).toContain("1.1.0");
    expect(await attempt("g")).toMatchObject({ installed: false, code: "update.untrusted" });
  });
});

function readOr404(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.from("{}");
  }
}
