import { describe, expect, it } from "vitest";
import type { Varbind } from "#ports/snmp.ts";
import { draftProfile } from "../../../../drivers/snmp/profiles/draft-profile.ts";
import { acme, parsed, problemsOf } from "./support.ts";

const number = (oid: string, value: number): Varbind => ({ oid, type: "integer", value });
const request = { sysObjectId: `${acme}.1`, sysDescr: "a box\n- evil: yes", vendor: "O'Acme: {x}", deviceClass: "router" };

describe("a draft", () => {
  it("is a profile that loads without a problem, scalars and tables apart", () => {
    const rows = [1, 2].flatMap((row) => [number(`${acme}.1.2.1.2.${row}`, row), number(`${acme}.1.2.1.3.${row}`, row)]);
    const draft = draftProfile({ ...request, varbinds: [number(`${acme}.1.1.1.0`, 5), ...rows] });
    expect(problemsOf(draft)).toEqual([]);
    const profile = parsed(draft);
    expect(profile.entries.map(({ table, symbols }) => [table, symbols.map(({ oid }) => oid)])).toEqual([
      [undefined, [`${acme}.1.1.1.0`]],
      ["object_1_2Table", [`${acme}.1.2.1.2`, `${acme}.1.2.1.3`]],
    ]);
    expect(profile.metadata[0]).toMatchObject({ field: "vendor", value: "O'Acme: {x}" });
  });

  it("takes the row 0 of a table that counts from zero for a row, not for a scalar", () => {
    const rows = [0, 1].flatMap((row) => [number(`${acme}.1.2.1.2.${row}`, row), number(`${acme}.1.2.1.3.${row}`, row)]);
    const draft = draftProfile({ ...request, varbinds: rows });
    expect(draft).toMatch(/2 rows/);
    expect(parsed(draft).entries.map(({ symbols }) => symbols.map(({ oid }) => oid))).toEqual([[`${acme}.1.2.1.2`, `${acme}.1.2.1.3`]]);
  });

  it("warns of a sysObjectID that is the agent software's, and of no other", () => {
    const ofEverybody = draftProfile({ ...request, sysObjectId: "1.3.6.1.4.1.8072.3.2.10", varbinds: [] });
    expect(ofEverybody).toMatch(/^# Many products of many vendors have this sysObjectID/m);
    expect(problemsOf(ofEverybody)).toEqual([]);
    expect(draftProfile({ ...request, varbinds: [] })).not.toMatch(/Many products/);
  });

  it("lets nothing that the device says become YAML", () => {
    const text: Varbind = { oid: `${acme}.1.0`, type: "octet-string", value: new TextEncoder().encode("x }\nmetrics: [] #\u2028y") };
    const draft = draftProfile({ ...request, varbinds: [text] });
    expect(problemsOf(draft)).toEqual([]);
    expect(parsed(draft).entries).toHaveLength(1);
  });
});
