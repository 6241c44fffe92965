import { describe, expect, it } from "vitest";
import { withoutSecret } from "../../flows/http-order.ts";

const secret = 'Pa+s/w?rd <"canary"> 9';
const basic = Buffer.from("operator:canary-pass-phrase").toString("base64");
const redacted = (body: string, of = secret) => withoutSecret({ status: 200, headers: {}, body }, of).body;

describe("the answer to a request with a secret", () => {
  it.each([
    ["as it is", secret],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64 for addresses", Buffer.from(secret).toString("base64url")],
    ["in hexadecimal digits", Buffer.from(secret).toString("hex")],
    ["in an address", encodeURIComponent(secret)],
    ["in a form", encodeURIComponent(secret).replaceAll("%20", "+")],
    ["in JSON", JSON.stringify(secret).slice(1, -1)],
    ["in a page", secret.replaceAll("<", "&lt;").replaceAll(">", "&gt;")],
  ])("does not tell it %s", (_name, told) => {
    expect(redacted(`you sent ${told}!`)).toBe("you sent [secret]!");
  });

  it.each([0, 1, 2, 3, 4, 5])("does not tell it in base64 of something longer that begins %i bytes before it", (before) => {
    const told = Buffer.from(`${"x".repeat(before)}${secret}yz`).toString("base64");
    const left = Buffer.from(redacted(told).replace("[secret]", ""), "base64").toString("latin1");
    expect(left).not.toContain("canary");
  });

  it("does not tell the password in what was sent as name and password", () => {
    expect(redacted(`hello operator, canary-pass-phrase is wrong, ${basic}`, basic)).not.toContain("canary");
  });

  it("does not tell it in a header's value or name", () => {
    const answer = withoutSecret({ status: 200, headers: { "x-sent": `Bearer ${basic}`, [`x-${basic}`]: "1" }, body: "" }, basic);
    expect(JSON.stringify(answer)).not.toContain(basic);
  });

  it("is left alone otherwise", () => {
    expect(redacted('{"last":1763750000}')).toBe('{"last":1763750000}');
  });
});
