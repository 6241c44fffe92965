import { expect, it } from "vitest";
import { mayChangeUserBy } from "../../runtime/host/change-user.ts";

const status = (effective: string) => `Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${effective}\nCapBnd:\t000001ffffffffff\n`;

it("changes users with the three rights of the service, without being root", () => {
  expect(mayChangeUserBy(status("00000000000024e0"), false)).toBe(true);
});

it("does not with less, root in a container included", () => {
  expect(mayChangeUserBy(status("0000000000002460"), false)).toBe(false);
  expect(mayChangeUserBy(status("0000000000000000"), true)).toBe(false);
});

it("goes by being root where nothing is said of capabilities", () => {
  expect(mayChangeUserBy(undefined, true)).toBe(true);
  expect(mayChangeUserBy(undefined, false)).toBe(false);
});
