import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expiryOf, ReleaseRenewal } from "../../cloud-bridge/noc/releases/renewal.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { programOf, ReleaseKit } from "./release-kit.ts";

const dayMs = 86_400_000;

describe("a NOC where nothing is published", () => {
  let kit: ReleaseKit;
  let beganMs: number;
  let nowMs: number;
  let renewal: ReleaseRenewal;

  beforeEach(() => {
    kit = new ReleaseKit();
    kit.release("1.0.0", programOf("1.0.0"));
    beganMs = kit.clock.now().wallMs;
    nowMs = beganMs;
    const clock = { now: () => ({ ...kit.clock.now(), wallMs: nowMs }), monotonicMs: () => 0, sleep: async () => undefined };
    renewal = new ReleaseRenewal({ repository: kit.repository, keys: kit.keys, clock: clock as never, logger: silentLogger });
  });
  afterEach(() => kit.end());

  it("signs its release metadata anew always before it expires and at most once a day", () => {
    let signed = 0;
    for (let hour = 0; hour < 24 * 15; hour += 6) {
      nowMs = beganMs + hour * 3_600_000;
      if (renewal.look()) signed += 1;
      expect(expiryOf(kit.repository).timestamp).toBeGreaterThan(nowMs + dayMs);
      expect(expiryOf(kit.repository).snapshot).toBeGreaterThan(nowMs + dayMs);
    }
    expect(signed).toBeGreaterThan(5);
    expect(signed).toBeLessThanOrEqual(15);
    expect(renewal.problem).toBe("");
    // What people have to sign is said in time.
    nowMs = beganMs + 151 * dayMs;
    renewal.look();
    expect(renewal.problem).toMatch(/^targets expires at .*sign it anew with its keys/);
  });

  it("mends a chain that a publication and a renewal broke between them, but leaves one under way alone", () => {
    const file = join(kit.repository.folder, "metadata", "2.snapshot.json");
    writeFileSync(file, readFileSync(join(kit.repository.folder, "metadata", "1.snapshot.json")));
    expect(renewal.look()).toBe(false);
    expect(renewal.look()).toBe(true);
    expect(renewal.look()).toBe(false);
    expect(renewal.problem).toBe("");
  });

  it("says that a key is missing, once it is due, and goes on", () => {
    for (const one of kit.keys.timestamp) rmSync(one);
    expect(renewal.look()).toBe(false);
    expect(renewal.problem).toBe("");
    nowMs += 2 * dayMs;
    expect(renewal.look()).toBe(false);
    expect(renewal.problem).toMatch(/timestamp\.pem cannot be read/);
  });

  it("has nothing to do without a repository", () => {
    rmSync(kit.repository.folder, { recursive: true });
    expect(renewal.look()).toBe(false);
    expect(renewal.problem).toBe("");
  });
});
