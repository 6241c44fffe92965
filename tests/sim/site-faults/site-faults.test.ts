import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { siteFaults } from "./catalogue.ts";
import { liveQuietly } from "./quiet-day.ts";
import { type FaultReport, SiteTrial } from "./trial.ts";

/** Faults of each kind; `npm run sim:site` tries them all, GATEHOUSE_SITE_FAULTS=all here as well. */
const few = [
  "uplink to the annex",
  "flapping",
  "cable pulled",
  "WAN down",
  "DNS silent",
  "SaaS down",
  "router dead",
  "UPS holds",
  "fan failed",
  "v3",
];
const all = process.env["GATEHOUSE_SITE_FAULTS"] === "all";
const chosen = siteFaults.filter(({ name }) => all || few.some((word) => name.includes(word)));
const quietHours = Number(process.env["GATEHOUSE_QUIET_HOURS"] ?? 3);

let trial: SiteTrial;

beforeAll(async () => {
  trial = new SiteTrial(1);
  await trial.begin();
}, 60_000);

afterAll(() => trial.world.close(), 180_000);

describe("a fault at the site", () => {
  it.each(chosen.map((fault) => [fault.name, fault] as const))(
    "%s: is noticed, put down to the right cause, one incident, and over when it is repaired",
    async (_name, fault) => {
      const report = await trial.live(fault);
      expect(judged(report)).toEqual({ isNoticed: true, verdict: "right", incidents: 1, stays: [] });
    },
    60_000,
  );
});

describe("a quiet day", () => {
  it("raises no alarm, whatever people, printers and lines do in it", async () => {
    const { falseAlarms } = await liveQuietly(2, quietHours);
    expect(falseAlarms).toEqual([]);
  }, 120_000);
});

describe("the judge", () => {
  it("sees an alarm that nobody expects", async () => {
    const [fault] = siteFaults.filter(({ name }) => name === "NAS fan failed");
    if (fault === undefined) throw new Error("no such fault");
    const report = await trial.live({ ...fault, types: ["linkDown"], domains: ["isp"] });
    expect(judged(report)).toMatchObject({ isNoticed: false, verdict: "none" });
  }, 60_000);
});

function judged({ detectedMs, verdict, verdictIsRight, incidents, stays }: FaultReport) {
  const words = verdictIsRight === false ? verdict : "right";
  return { isNoticed: detectedMs !== undefined, verdict: words, incidents: incidents.length, stays };
}
