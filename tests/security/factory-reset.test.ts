import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IdentityFolder } from "../../runtime/host/identity-folder.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { gatehouse, Workspace } from "../integration/processes.ts";

/** A loop mount needs root, the loop module and mkfs.ext4: containers often have none of them. */
function missingFacility(): string {
  const probe = new Workspace();
  try {
    const [image, mount] = [probe.path("probe.img"), probe.path("mount")];
    mkdirSync(mount);
    const run = (...words: readonly string[]) => spawnSync(words[0] ?? "", words.slice(1)).status === 0;
    if (!run("truncate", "-s", "8M", image) || !run("mkfs.ext4", "-q", "-F", image)) return "mkfs.ext4 is missing";
    if (!run("mount", "-o", "loop", image, mount)) return "loop mounts are not possible here";
    run("umount", mount);
    return "";
  } finally {
    probe.remove();
  }
}

const missing = missingFacility();

describe.skipIf(missing !== "")(`an owner's change ${missing}`, () => {
  const workspace = new Workspace();
  const [image, mount] = [workspace.path("disk.img"), workspace.path("disk")];
  beforeAll(() => {
    mkdirSync(mount);
    execFileSync("truncate", ["-s", "96M", image]);
    execFileSync("mkfs.ext4", ["-q", "-F", image]);
    execFileSync("mount", ["-o", "loop,sync", image, mount]);
  });
  afterAll(() => {
    spawnSync("umount", [mount]);
    workspace.remove();
  });

  /** What stands on the disk itself, whatever the file system says. */
  function bytesOnDisk(): Buffer {
    execFileSync("sync", ["-f", mount]);
    execFileSync("umount", [mount]);
    try {
      return readFileSync(image);
    } finally {
      execFileSync("mount", ["-o", "loop,sync", image, mount]);
    }
  }

  it("leaves nothing of the customer on the disk", async () => {
    const canary = `customer-${randomBytes(9).toString("hex")}`;
    const community = `community-${randomBytes(9).toString("hex")}`;
    const [state, etc] = [`${mount}/state`, `${mount}/etc`];
    mkdirSync(etc);
    const file = `${etc}/gatehouse.yaml`;
    writeFileSync(`${etc}/community.txt`, community);
    writeFileSync(`${etc}/environment`, `SITE_TOKEN=${canary}-environment\n`);
    writeFileSync(
      file,
      [
        "gateway: { id: gw-leased-01 }",
        "credentials: { lan: { snmp: { version: 2c, community: { $file: community.txt } } } }",
        `equipment: [{ id: ${canary}, address: 127.0.0.1, driver: loopback, pollIntervalMs: 1000 }]`,
        "traps: { enabled: false }",
        "syslog: { enabled: false }",
        "console: { enabled: false }",
        "flows: { enabled: false }",
        "clock: { source: host }",
        "buffer: { budgetBytes: 16777216, durabilityWindowMs: 200 }",
        "",
      ].join("\n"),
    );
    const first = gatehouse(["run", "--config", file, "--state", state]);
    await first.until("it has measured", () => hasMeasured(state));
    // What the history holds in memory is written at an orderly end.
    await first.end("SIGTERM");
    const gateway = gatehouse(["run", "--config", file, "--state", state]);
    await gateway.until("it is up again", () => existsSync(`${state}/history.db-wal`));
    // Killed: what SQLite keeps beside its files is there as well.
    await gateway.end("SIGKILL");
    new IdentityFolder(state, systemEntropy).keepKeys({ identity: "x", sealing: "y", evidence: "z" } as never);
    const planted = plantEverywhere(state, canary);
    const root = readFileSync(`${state}/identity/root.key`);
    const samples = samplesOf([state, etc]);
    for (const name of [
      "journal.ring",
      "buffer.db",
      "history.db",
      "history.db-wal",
      "state.db",
      "state.db-wal",
      "state.bak",
      "root.key",
      ".jsonl",
    ])
      expect(
        [...samples.keys()].some((path) => path.endsWith(name)),
        name,
      ).toBe(true);
    const before = bytesOnDisk();
    const wanted = [canary, community, root, ...planted, ...samples.values()];
    expect(wanted.filter((one) => !before.includes(one))).toEqual([]);
    const reset = gatehouse(["factory-reset", "--state", state, "--config", file, "--yes"]);
    expect(await reset.exited, reset.lines.join("\n")).toBe(0);
    const after = bytesOnDisk();
    expect(wanted.filter((one) => after.includes(one))).toEqual([]);
  }, 180_000);
});

/** What only long use or another room makes, in each place of the state folder; and what was there once. @returns what to look for */
function plantEverywhere(state: string, canary: string): readonly string[] {
  const places = [
    ...[
      "state.bak",
      "documents/ab/flow.json",
      "alarms/2026-01.jsonl",
      "audit/planted.jsonl",
      "identity/gateway.sealed",
      "identity/certificate.pem",
    ],
    ...["slots/b/gatehouse.part", "slots/a/gatehouse", "slots/boot", "native/sqlite.node", "profiles/site.yaml", "traps/site.mib"],
    // Whether SQLite's logs hold something just now is chance; after months they do.
    ...["corrupt/buffer.db", "state.db-shm", "history.db-wal", "state.db-wal", "deep/a/b/c/.hidden"],
  ];
  const texts = places.map((place) => `${canary}-in-${place.replaceAll("/", "-")}`);
  for (const [index, place] of places.entries()) {
    const path = `${state}/${place}`;
    mkdirSync(dirname(path), { recursive: true });
    // As the identity's root: not even its owner may write it.
    writeFileSync(path, `${texts[index]}\n`.repeat(40), { mode: place.includes("slots") ? 0o400 : 0o600 });
  }
  const gone = `${canary}-removed-long-ago`;
  writeFileSync(`${state}/gone`, `${gone}\n`.repeat(4_000), { flush: true });
  rmSync(`${state}/gone`);
  return [...texts, gone];
}

const sampleBytes = 48;
const databaseHeadBytes = 100;

/** Of every file a piece that is like no other, whatever its format: packed and encrypted ones are the customer's as well. */
function samplesOf(folders: readonly string[]): ReadonlyMap<string, Buffer> {
  const samples = new Map<string, Buffer>();
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      const path = join(folder, entry);
      if (!lstatSync(path).isFile()) continue;
      const bytes = readFileSync(path);
      // The head of a database says nothing of the customer, and the next owner's may be the same.
      const from = bytes.toString("latin1", 0, 13) === "SQLite format" ? databaseHeadBytes : 0;
      for (let at = from; at < bytes.length && !samples.has(path); at += sampleBytes) {
        const piece = bytes.subarray(at, at + sampleBytes);
        if (new Set(piece).size >= 14) samples.set(path, piece);
      }
    }
  }
  return samples;
}

/** The journal's first pages are its head; the rest is zeros until something was measured. */
function hasMeasured(state: string): boolean {
  try {
    return readFileSync(`${state}/journal.ring`)
      .subarray(8_192)
      .some((byte) => byte !== 0);
  } catch {
    // Not there yet.
    return false;
  }
}
