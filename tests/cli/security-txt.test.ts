import { describe, expect, it } from "vitest";
import { securityText } from "../../runtime/cli/noc-security-txt.ts";

const nowMs = Date.parse("2026-11-22T08:00:00Z");
const given = { contact: ["mailto:security@msp.pt", "https://msp.pt/report"], expires: "2027-06-30" };

describe("security.txt", () => {
  it("holds what the distributor said, as RFC 9116 wants it", () => {
    expect(securityText({ ...given, policy: "https://msp.pt/policy", language: "en, pt" }, nowMs)).toBe(
      [
        "Contact: mailto:security@msp.pt",
        "Contact: https://msp.pt/report",
        "Expires: 2027-06-30T00:00:00.000Z",
        "Preferred-Languages: en, pt",
        "Policy: https://msp.pt/policy",
        "",
      ].join("\n"),
    );
  });

  it.each([
    [{ contact: [] }, "Contact"],
    [{ contact: ["security@msp.pt"] }, "Contact"],
    [{ contact: ["mailto:security@example.net"] }, "of yours"],
    [{ contact: ["mailto:a@msp.pt\nPolicy: https://evil"] }, "Contact"],
    [{ expires: "soon" }, "Expires"],
    [{ expires: "2026-11-01" }, "Expires"],
    [{ expires: "2030-01-01" }, "at most a year"],
    [{ policy: "http://msp.pt" }, "Policy"],
    [{ language: "en\nX: y" }, "Preferred-Languages"],
  ])("is not printed with %j", (more, word) => {
    expect(() => securityText({ ...given, ...more }, nowMs)).toThrow(word);
  });
});
