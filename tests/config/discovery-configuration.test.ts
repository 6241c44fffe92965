import { describe, expect, it } from "vitest";
import { head, load, sentencesOf } from "./configuration-kit.ts";

const credentials = "credentials: { lan: { snmp: { version: 2c, community: { $env: C } } } }\n";
const wrong = (subnets: string) => sentencesOf(`${head}${credentials}discovery: { subnets: [${subnets}] }\n`, { C: "c" });

describe("the discovery section", () => {
  it("is off: no subnet, and a subnet that is listed is neither enabled nor swept", () => {
    expect(load(head).discovery).toMatchObject({ subnets: [], autoAccept: [], maxDevices: 500 });
    const { discovery } = load(`${head}discovery: { subnets: [{ cidr: 192.168.1.0/24 }] }\n`);
    expect(discovery.subnets).toEqual([
      {
        cidr: "192.168.1.0/24",
        enabled: false,
        activeSweep: false,
        credentials: [],
        exclude: [],
        confirmLarge: false,
        snmpPort: 161,
      },
    ]);
  });

  it.each([
    ["{ cidr: 8.8.8.0/24 }", /never scanned/],
    ["{ cidr: 192.168.0.0/15 }", /never scanned/],
    ["{ cidr: 10.0.0.0/21 }", /confirmLarge/],
    ["{ cidr: 10.0.0.0/12, confirmLarge: true }", /larger than a \/16/],
    ["{ cidr: 10.0.0.256/24 }", /is not an IPv4 network/],
    ["{ cidr: fd00::/64 }", /IPv4/],
    ["{ cidr: 10.0.0.0/24, exclude: [10.0.0.300] }", /exclude\/0 .*is not an IPv4 network/],
    ["{ cidr: 10.0.0.0/24, credentials: [lan, wan] }", /credentials\/1 unknown credential "wan"/],
    ["{ cidr: 10.0.0.0/24, credentials: [a, b, c, d, e, f] }", /more than 5 credentials/],
    ["{ cidr: 10.0.0.0/24 }, { cidr: 10.0.0.128/25 }", /subnets\/1\/cidr overlaps \/discovery\/subnets\/0/],
  ])("refuses %s", (subnets, sentence) => {
    expect(wrong(subnets).join("\n")).toMatch(sentence);
  });
});
