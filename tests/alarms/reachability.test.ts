import { describe, expect, it } from "vitest";
import { isIncident } from "../../runtime/alarms/instance.ts";
import { cables, EngineKit, gauge, portTable } from "./alarm-kit.ts";

const up = { ifAdminStatus: 1, ifOperStatus: 1 };

describe("reachability", () => {
  it("is lost after the time that is set and at least two failed polls; a slot that was skipped proves nothing", () => {
    const kit = new EngineKit();
    kit.poll(portTable(["gi1"]), [up]);
    for (let turn = 0; turn < 10; turn++) {
      kit.fail("sw-1", "skipped");
      kit.pass(60_000);
    }
    expect(kit.active).toEqual([]);
    for (let turn = 0; turn < 4; turn++) {
      kit.fail("sw-1");
      kit.pass(60_000);
    }
    expect(kit.active).toEqual(["sw-1 equipmentUnreachable"]);
    kit.poll(portTable(["gi1"]), [up]);
    expect(kit.active).toEqual([]);
  });

  it("tells a refused credential from a dead device", () => {
    const kit = new EngineKit();
    for (let turn = 0; turn < 4; turn++) {
      kit.fail("sw-1", "auth");
      kit.pass(60_000);
    }
    expect(kit.active).toEqual(["sw-1 equipmentAccess"]);
  });

  it.each([
    ["timeout", "sw-1 (192.0.2.4) does not answer", /power and its cable/, "sw-1 answers again"],
    ["badAnswer", "sw-1 (192.0.2.4) answers what is not valid", /agent.*firmware/, "sw-1 answers as it should again"],
    ["noSuchName", "sw-1 (192.0.2.4) refuses what it is asked", /may read/, "sw-1 answers as it should again"],
    ["partial", "sw-1 (192.0.2.4) does not answer in time", /load/, "sw-1 answers in time again"],
  ] as const)("is one alarm whatever is wrong, whose words say what that is: %s", (reason, text, repair, cleared) => {
    const kit = new EngineKit();
    for (let turn = 0; turn < 4; turn++) {
      kit.fail("sw-1", reason);
      kit.pass(60_000);
    }
    expect(kit.active).toEqual(["sw-1 equipmentUnreachable"]);
    expect(kit.engine.list.active()[0]).toMatchObject({
      text,
      path: "",
      qualifier: "",
      attributes: { repair: expect.stringMatching(repair) },
    });
    kit.poll(portTable(["gi1"]), [up]);
    expect(kit.sent.at(-1)).toMatchObject({ op: "clear", text: cleared });
  });

  it("is not lost of who answers, however wrongly: the verdict says what it is told, and blames no network", () => {
    const kit = new EngineKit();
    for (let turn = 0; turn < 4; turn++) {
      for (const id of ["sw-1", "fw-1", "ups-1", "nas-1"]) kit.fail(id, id === "nas-1" ? "badAnswer" : "auth");
      kit.pass(60_000);
    }
    expect(kit.engine.verdict()).toMatchObject({ domain: "device", text: "sw-1, fw-1, ups-1, nas-1 answer, but not as they should" });
    expect(JSON.stringify(kit.engine.verdict().evidence)).toContain("sw-1 answers, but refuses the credential");
    expect(kit.active.filter((one) => one.includes("lanDown"))).toEqual([]);
  });

  it("of what hangs behind something silent follows from it: one incident", () => {
    const kit = new EngineKit({ topology: cables(["sw-1/gi1 - fw-1/lan", "sw-1/gi2 - nas-1/eth0"], { "sw-1": "fw-1", "nas-1": "sw-1" }) });
    for (let turn = 0; turn < 5; turn++) {
      for (const id of ["fw-1", "sw-1", "nas-1"]) kit.fail(id);
      kit.poll({ equipment: "ups-1", table: "X-MIB:x", metrics: [gauge("x")] }, [{ x: 1 }]);
    }
    expect(kit.active).toHaveLength(3);
    const incidents = kit.engine.list.active().filter(isIncident);
    expect(incidents.map(({ equipment }) => equipment)).toEqual(["fw-1"]);
  });
});
