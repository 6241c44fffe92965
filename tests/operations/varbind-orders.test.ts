import { describe, expect, it } from "vitest";
import { objectsOf, openedOrder, rememberedOrder, rememberedRecord } from "../../runtime/operations/varbind-orders.ts";

const oid = "1.3.6.1.6.3.13.1.1.1.2.97";
const text = { oid, type: "octet-string", value: "hush" };
const octets = { oid: `.${oid}`, type: "octet-string", hex: "68757368" };
const number = { oid: "1.3.6.1.2.1.2.2.1.7.1", type: "integer", value: 2 };

describe("what is remembered of a SET", () => {
  it("are objects, types and lengths; values only of what is no secret or is sealed", () => {
    expect(rememberedOrder({ varbinds: [text, octets, number] })).toEqual({
      varbinds: [
        { oid, type: "octet-string", withheld: true, octets: 4 },
        { oid: `.${oid}`, type: "octet-string", withheld: true, octets: 4 },
        number,
      ],
    });
    const shown = { varbinds: [{ ...text, secret: false }, number, { oid, type: "oid", value: "1.3.6" }] };
    expect(rememberedOrder(shown)).toBe(shown);
    expect(rememberedOrder({ varbinds: [{ ...number, secret: true }] })).toEqual({
      varbinds: [{ oid: number.oid, type: "integer", secret: true, withheld: true }],
    });
    const sealed = { varbinds: [{ oid, type: "octet-string", value: { $sealed: "a.b.c.d.e" } }] };
    expect(rememberedOrder(sealed)).toEqual(sealed);
  });

  it("is nothing that was not expected, and the same once more", () => {
    for (const args of [{}, { community: "hush" }, { varbinds: "hush" }, { varbinds: ["hush", null, { hush: "hush" }], more: "hush" }])
      expect(JSON.stringify(rememberedOrder(args))).not.toContain("hush");
    const once = rememberedOrder({ varbinds: [text, { ...number, secret: true }, { oid, type: "integer", value: "hush" }] });
    expect(JSON.stringify(once)).not.toContain("hush");
    expect(rememberedOrder(once)).toEqual(once);
  });

  it("holds for what was read before and after as well, before and after a restart", () => {
    const read = { oid, type: "octet-string", hex: "68757368", text: "hush" };
    const record = {
      before: [{ oid, type: "no-such-instance" }],
      ordered: [read, number],
      after: [read, number],
      confirmed: true,
      atMs: 7,
    };
    const args = { varbinds: [text, number] };
    const withheld = { oid, type: "octet-string", withheld: true, octets: 4 };
    const once = rememberedRecord(record, args);
    expect(once).toMatchObject({ ordered: [withheld, number], after: [withheld, number], confirmed: true, atMs: 7 });
    expect(rememberedRecord(once, rememberedOrder(args))).toEqual(once);
    expect(JSON.stringify(rememberedRecord(record, { varbinds: [{ ...text, value: { $sealed: "a.b.c.d.e" } }] }))).not.toContain("hush");
  });

  it("names the objects for the audit, and no value", () => {
    expect(objectsOf(rememberedOrder({ varbinds: [text, octets, number, number, number, number] }))).toBe(
      `${oid}, ${oid}, ${number.oid}, ${number.oid} and 2 more`,
    );
    expect(objectsOf(rememberedOrder({ varbinds: "hush" }))).toBe("");
  });

  it("reaches the equipment whole: what was sealed is opened", async () => {
    const opener = { open: async (sealed: string) => `opened ${sealed}` };
    const args = { varbinds: [{ ...text, value: { $sealed: "x" } }, number] };
    expect(await openedOrder(args, opener)).toEqual({ varbinds: [{ ...text, value: "opened x" }, number] });
    await expect(openedOrder(args, undefined)).rejects.toMatchObject({ code: "command.refused" });
  });
});
