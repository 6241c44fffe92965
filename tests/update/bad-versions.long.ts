import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RolloutField } from "../integration/rollout-field.ts";
import { peer } from "../peers.ts";
import { badVersions, PackagedVersions } from "./packaged-versions.ts";

/**
 * Packs ten versions of the program, so only when asked for: GATEHOUSE_PACKAGED_UPDATES=1 npx vitest run tests/update/bad-versions.long.ts. Needs what npm run build needs.
 * With GATEHOUSE_BINARY and GATEHOUSE_NOC_BINARY the gateway comes with the first and the NOC is the second.
 */
describe.skipIf(!peer("mosquitto").available)("a packaged version, built, signed and rolled out, that", () => {
  const field = new RolloutField({ hangS: 40 });
  let versions: PackagedVersions;
  const order = (version: string) => field.ask("POST", "/api/rollouts", { version, waves: ["100%"], soakMs: 0, gateways: ["gw-first"] });

  beforeAll(async () => {
    versions = new PackagedVersions(field.workspace.folder);
    await field.start(await versions.factory("1.0.0"));
    field.gateway("gw-first");
    await field.online("gw-first");
  }, 600_000);
  afterAll(() => field.end(), 180_000);

  it.each(Object.entries(badVersions).map(([what, patches], index) => ({ what, patches, version: `1.${index + 1}.0` })))(
    "$what leaves the old one running, is never tried again, and the NOC is told",
    async ({ what, patches, version }) => {
      field.kit.release(version, readFileSync(await versions.pack(version, patches)), { bases: [field.factory], level: 1 });
      const startMs = performance.now();
      await order(version);
      const view = await field.rollout("it halts", ({ state }) => state === "halted", 600_000);
      const tookMs = performance.now() - startMs;
      // A copy shows what breaks the schema, before anything is switched; everything else shows when it runs.
      expect(view.reason).toMatch(`wave 1: 1 failed; acme/gw-first ${what.startsWith("breaks the schema") ? "refused" : "rolled-back"}: `);
      await field.online("gw-first");
      await order(version);
      const again = await field.rollout("it halts again", ({ state }) => state === "halted", 300_000);
      expect(again.reason).toMatch(/^wave 1: 1 failed/);
      process.stdout.write(`${version} ${what}: ${Math.round(tookMs / 1_000)} s; ${view.reason}\n`);
    },
    1_500_000,
  );

  it("is good is kept, after all of them", async () => {
    field.kit.release("2.0.0", readFileSync(await versions.pack("2.0.0")), { bases: [field.factory], level: 1 });
    await order("2.0.0");
    await field.rollout("it is done", ({ state }) => state === "done", 300_000);
  }, 600_000);
});
