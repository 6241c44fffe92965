import { describe, expect, it } from "vitest";
import { compareIdentities, type IdentityKeys, isBurntIn, isUniqueEngineId } from "../../../runtime/southbound/discovery/identity.ts";

const engine = "80001f8880a1b2c3d4e5f60718";
const keys = (more: Partial<IdentityKeys>): IdentityKeys => ({ serials: [], ...more });

describe("an identity", () => {
  it.each([
    ["80001f8880a1b2c3d4e5f60718", true, "random octets"],
    ["80001f88800000000000000000", false, "nothing but zeros"],
    ["80001f8880ffffffffffffffff", false, "nothing but equal octets"],
    ["0000000000000000", false, "all zero"],
    ["800007e501c0a80105", true, "an address of its own"],
    ["800007e5017f000001", false, "the loopback address"],
    ["800007e50300112233aabb", true, "a burnt-in MAC address"],
    ["800007e50302112233aabb", false, "a locally administered MAC address"],
    ["800007e5046c6f63616c686f7374", false, "the text localhost"],
    ["8000", false, "too short"],
    ["xyz", false, "not hexadecimal"],
  ])("by engine id %s is %s: %s", (id, unique) => {
    expect(isUniqueEngineId(id)).toBe(unique);
  });

  it.each([
    ["00:1b:21:00:00:01", true],
    ["02:1b:21:00:00:01", false],
    ["01:00:5e:00:00:01", false],
    ["00:00:5e:00:01:07", false],
    ["00:00:5e:00:02:07", false],
    ["00:00:0c:07:ac:01", false],
    ["00:00:0c:9f:f0:01", false],
    ["00:07:b4:00:01:01", false],
    ["00:00:00:00:00:00", false],
  ])("by MAC address %s is %s", (mac, burntIn) => {
    expect(isBurntIn(mac)).toBe(burntIn);
  });

  it.each<[string, Partial<IdentityKeys>, Partial<IdentityKeys>, string]>([
    ["equal engines", { engine }, { engine }, "same"],
    ["cloned engines with other serial numbers", { engine, serials: ["v/1"] }, { engine, serials: ["v/2"] }, "different"],
    ["cloned engines with other bridges", { engine, bridge: "a" }, { engine, bridge: "b" }, "different"],
    ["cloned engines with other interfaces", { engine, mac: "a" }, { engine, mac: "b" }, "different"],
    ["a reset engine with the same serial number", { engine: "a", serials: ["v/1"] }, { engine: "b", serials: ["v/1"] }, "same"],
    ["a made-up serial number on two bridges", { serials: ["v/1"], bridge: "a" }, { serials: ["v/1"], bridge: "b" }, "different"],
    ["stacks that share a member", { serials: ["v/1", "v/2"] }, { serials: ["v/2", "v/3"] }, "same"],
    ["a serial number of an unknown vendor", { serials: ["/1"] }, { serials: ["v/1"] }, "same"],
    ["one serial number of two vendors", { serials: ["w/1"] }, { serials: ["v/1"] }, "different"],
    ["equal bridges", { bridge: "a" }, { bridge: "a", serials: ["v/1"] }, "same"],
    ["other interfaces", { mac: "a" }, { mac: "b" }, "different"],
    ["nothing in common", { mac: "a" }, { bridge: "b" }, "unknown"],
  ])("with %s is judged", (_what, left, right, verdict) => {
    expect(compareIdentities(keys(left), keys(right))).toBe(verdict);
    expect(compareIdentities(keys(right), keys(left))).toBe(verdict);
  });
});
