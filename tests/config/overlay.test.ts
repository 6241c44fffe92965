import { describe, expect, it } from "vitest";
import { differences } from "../../runtime/config/difference.ts";
import { gatewaySchema } from "../../runtime/config/gateway-configuration.ts";
import { mergeOverlay, overlayProblems, placeInOverlay } from "../../runtime/config/overlay.ts";

const base = {
  gateway: { id: "gw-1" },
  credentials: { lan: { snmp: { version: "2c", community: { $env: "LAN" } } } },
  equipment: [
    { id: "sw-1", address: "192.0.2.1", pollIntervalMs: 60_000 },
    { id: "sw-2", address: "192.0.2.2" },
  ],
  limits: { concurrentPolls: 5 },
};

describe("an overlay", () => {
  it("joins mappings, joins lists by id, takes away by null and $remove, and leaves its base alone", () => {
    const before = JSON.stringify(base);
    const merged = mergeOverlay(base, {
      limits: null,
      equipment: [
        { id: "sw-1", pollIntervalMs: 1_000 },
        { id: "sw-2", $remove: true },
        { id: "ap-1", address: "192.0.2.3" },
      ],
    });
    expect(merged).toMatchObject({
      equipment: [
        { id: "sw-1", address: "192.0.2.1", pollIntervalMs: 1_000 },
        { id: "ap-1", address: "192.0.2.3" },
      ],
    });
    expect(merged).not.toHaveProperty("limits");
    expect(JSON.stringify(base)).toBe(before);
  });

  it("replaces one reference to a secret by another, never joins them", () => {
    const merged = mergeOverlay(base, { credentials: { lan: { snmp: { community: { $file: "secrets/lan" } } } } });
    expect(merged).toMatchObject({ credentials: { lan: { snmp: { version: "2c", community: { $file: "secrets/lan" } } } } });
    expect(JSON.stringify(merged)).not.toContain("$env");
  });

  it.each([
    [{ gateway: { id: "other" } }, "/gateway"],
    [{ authority: { keys: [] } }, "/authority"],
    [{ credentials: { lan: { snmp: { community: "clear" } } } }, "/credentials/lan/snmp/community"],
    [{ credentials: { lan: { snmp: { community: { $file: "/etc/shadow" } } } } }, "/credentials/lan/snmp/community"],
    [{ credentials: { lan: { snmp: { community: { $file: "secrets/../../etc/shadow" } } } } }, "/credentials/lan/snmp/community"],
    [{ credentials: { lan: { snmp: { community: { $env: "AWS_SECRET_ACCESS_KEY" } } } } }, "/credentials/lan/snmp/community"],
    [[], ""],
  ])("may not say %j", (overlay, path) => {
    expect(overlayProblems(overlay, base, gatewaySchema()).map((one) => one.path)).toEqual([path]);
  });

  it.each([
    { credentials: { new: { snmp: { community: { $env: "LAN" } } } } },
    { credentials: { new: { snmp: { community: { $file: "secrets/new" } } } } },
    { credentials: { new: { snmp: { community: { $sealed: "a.b.c.d.e" } } } } },
    { uplink: { tls: { ca: "-----BEGIN CERTIFICATE-----" } } },
  ])("may say %j", (overlay) => {
    expect(overlayProblems(overlay, base, gatewaySchema())).toEqual([]);
  });

  it("is told its mistakes where it made them, not where they end up", () => {
    const overlay = { equipment: [{ id: "sw-2", prot: 9 }] };
    const merged = mergeOverlay(base, overlay);
    expect(placeInOverlay("/equipment/1/prot", merged, overlay)).toBe("/equipment/0/prot");
    expect(placeInOverlay("/equipment/0/address", merged, overlay)).toBeUndefined();
  });
});

describe("the difference of two configurations", () => {
  const at = (after: unknown) => differences(base, after, gatewaySchema());

  it("names entries by id, and says what takes effect while running", () => {
    expect(at({ ...base, equipment: [{ ...base.equipment[0], pollIntervalMs: 1_000 }] })).toEqual([
      { pointer: "/equipment/sw-1/pollIntervalMs", live: true },
      { pointer: "/equipment/sw-2/id", live: true },
      { pointer: "/equipment/sw-2/address", live: true },
    ]);
    expect(at({ ...base, limits: { concurrentPolls: 6 } })).toEqual([{ pointer: "/limits/concurrentPolls", live: false }]);
    expect(at(base)).toEqual([]);
  });

  it("takes a changed reference to a secret for a change of the credential", () => {
    const credentials = { lan: { snmp: { version: "2c", community: { $file: "secrets/lan" } } } };
    expect(at({ ...base, credentials }).every((one) => one.pointer.startsWith("/credentials/lan/snmp/community") && one.live)).toBe(true);
  });
});
