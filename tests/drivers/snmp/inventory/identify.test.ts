import { describe, expect, it } from "vitest";
import { isEquipmentId } from "#model/equipment.ts";
import { enterpriseOf, isGenericObjectId } from "../../../../drivers/snmp/inventory/enterprises.ts";
import { type EntityRow, type IdentityFacts, meaningful } from "../../../../drivers/snmp/inventory/facts.ts";
import { identify, lowestBurntIn } from "../../../../drivers/snmp/inventory/identify.ts";
import { vendorProbes } from "../../../../drivers/snmp/inventory/vendor-probes.ts";
import { builtInSets } from "../../../../drivers/snmp/metric-sets/built-in-sets.ts";

const rules = [...builtInSets, ...vendorProbes];
const id = "dev";
if (!isEquipmentId(id)) throw new Error("not an id");
const equipment = id;

function facts(more: Partial<IdentityFacts>): IdentityFacts {
  return { equipment, values: new Map(), entities: [], sets: [], macAddresses: [], ...more };
}

function entity(more: Partial<EntityRow>): EntityRow {
  return {
    index: "1",
    class: "",
    containedIn: "0",
    descr: "",
    name: "",
    hardware: "",
    firmware: "",
    software: "",
    serial: "",
    vendor: "",
    model: "",
    ...more,
  };
}

describe("what a device is", () => {
  it("takes the word of the vendor's own objects before all but profiles", () => {
    const values = new Map([
      ["1.3.6.1.4.1.6574.1.5.1.0", "DS1621+"],
      ["1.3.6.1.4.1.6574.1.5.2.0", "SERIAL1"],
      ["1.3.6.1.4.1.6574.1.5.3.0", "DSM 7.2"],
    ]);
    const identity = identify(facts({ values, sysObjectId: "1.3.6.1.4.1.8072.3.2.10", sysDescr: "Linux box 4.4 x86_64" }), rules, []);
    expect(identity).toMatchObject({ vendor: "Synology", model: "DS1621+", serial: "SERIAL1", firmware: "DSM 7.2", deviceClass: "nas" });
    expect(identity.evidence[0]).toContain("synology");
  });

  it("lets a profile's word come first, field by field", () => {
    const values = new Map([["1.3.6.1.4.1.6574.1.5.1.0", "DS1621+"]]);
    const profile = { oids: [], identify: () => ({ model: "DiskStation DS1621+", evidence: ["profile synology"] }) };
    const identity = identify(facts({ values }), rules, [profile]);
    expect(identity).toMatchObject({ model: "DiskStation DS1621+", vendor: "Synology" });
    expect(identity.evidence).toContain("profile synology: model");
  });

  it("takes the chassis of ENTITY-MIB, but the first serial number where the chassis has none", () => {
    const entities = [
      entity({ index: "1", class: "stack" }),
      entity({ index: "2", class: "chassis", model: "X-48P", software: "1.2.3", vendor: "ACME" }),
      entity({ index: "3", class: "module", serial: "MOD77", model: "X-MOD" }),
    ];
    expect(identify(facts({ entities }), rules, [])).toMatchObject({ vendor: "ACME", model: "X-48P", serial: "MOD77", firmware: "1.2.3" });
  });

  it("knows a standard object only where its set is there", () => {
    const values = new Map([["1.3.6.1.2.1.33.1.1.2.0", "Big UPS"]]);
    expect(identify(facts({ values }), rules, []).model).toBeUndefined();
    expect(identify(facts({ values, sets: ["ups"] }), rules, [])).toMatchObject({ model: "Big UPS", deviceClass: "ups" });
  });

  it.each([
    [
      "Cisco IOS Software, X100 Software (X100-UNIVERSALK9-M), Version 15.2(7)E4, RELEASE",
      { vendor: "Cisco", osName: "IOS", firmware: "15.2(7)E4" },
    ],
    ["RouterOS CRS999-1G", { vendor: "MikroTik", model: "CRS999-1G", deviceClass: "switch" }],
    ["RouterOS RB9999", { model: "RB9999", deviceClass: "router" }],
    [
      "HP ETHERNET MULTI-ENVIRONMENT,SN:ABC1234567,FN:XX,SVCID:1,PID:HP LaserJet X1",
      { vendor: "HP", serial: "ABC1234567", model: "HP LaserJet X1" },
    ],
    ["pfSense 2.7.2-RELEASE pfSense FreeBSD 14.0 amd64", { osName: "pfSense", firmware: "2.7.2-RELEASE", deviceClass: "firewall" }],
    ["Hardware: Any - Software: Windows Version 10.0 (Build 20348 Multiprocessor Free)", { vendor: "Microsoft", firmware: "10.0.20348" }],
  ])("reads %j", (sysDescr, expected) => {
    expect(identify(facts({ sysDescr }), rules, [])).toMatchObject(expected);
  });

  it("takes what devices write when they have nothing to say for nothing", () => {
    for (const said of [
      "",
      "0",
      "None",
      "N/A",
      "<private>",
      "Default string",
      "BUILTIN",
      "not yet available",
      "To be filled by O.E.M.",
      "0000000",
      " - ",
    ]) {
      expect(meaningful(said), said).toBeUndefined();
    }
    expect(meaningful(' "4.3.3" ')).toBe("4.3.3");
  });

  it("names one vendor in one way", () => {
    const named = (vendor: string): string | undefined =>
      identify(facts({ entities: [entity({ class: "chassis", vendor })] }), rules, []).vendor;
    expect(["EATON", "Hewlett-Packard", "ZyXEL, Inc.", "Somebody Else"].map(named)).toEqual(["Eaton", "HP", "Zyxel", "Somebody Else"]);
  });

  it("says unknown rather than guess", () => {
    expect(identify(facts({}), rules, [])).toMatchObject({ deviceClass: "unknown", evidence: [] });
  });

  it("does not take long over a hostile description", () => {
    const startedMs = performance.now();
    identify(facts({ sysDescr: `Cisco IOS Software ${"Version ".repeat(20_000)}` }), rules, []);
    identify(facts({ sysDescr: `SonicWALL ${"(((".repeat(50_000)}` }), rules, []);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
  });
});

describe("object ids", () => {
  it.each([undefined, "", "0.0", "1.3.6.1.4.1", "1.3.6.1.4.1.674", "1.3.6.1.4.1.8072.3.2.10"])("%j says nothing", (oid) => {
    expect(isGenericObjectId(oid)).toBe(true);
  });

  it("name their vendor", () => {
    expect(isGenericObjectId("1.3.6.1.4.1.9.1.1208")).toBe(false);
    expect(enterpriseOf("1.3.6.1.4.1.9.1.1208")?.vendor).toBe("Cisco");
    expect(enterpriseOf("1.3.6.1.4.1.8072.3.2.10")).toBeUndefined();
  });
});

describe("the address to know a device by", () => {
  it("is burnt in: neither locally administered nor a virtual router's", () => {
    expect(lowestBurntIn(["02:00:00:00:00:01", "00:00:5e:00:01:07", "00:00:0c:07:ac:01", "00:1b:22:00:00:09", "00:1b:22:00:00:02"])).toBe(
      "00:1b:22:00:00:02",
    );
    expect(lowestBurntIn([])).toBeUndefined();
  });
});
