import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { securityMutants } from "./mutant-list.ts";

const root = join(import.meta.dirname, "../..");
const text = readFileSync(join(root, "SECURITY.md"), "utf8");
const named = [...text.matchAll(/`(tests\/[^`]+\.test\.ts)` "([^"]+)"/g)].map(([, file = "", name = ""]) => ({ file, name }));

describe("SECURITY.md", () => {
  it("names tests that exist, word for word", () => {
    const missing = named.filter(
      ({ file, name }) => !existsSync(join(root, file)) || !readFileSync(join(root, file), "utf8").includes(`"${name}"`),
    );
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(30);
  });

  it("says yes only where it names a test", () => {
    const claims = text.split("\n").filter((line) => /\| yes \|/.test(line));
    expect(claims.length).toBeGreaterThan(15);
    expect(claims.filter((line) => !/`tests\/[^`]+\.test\.ts` "/.test(line))).toEqual([]);
  });

  it("names only tests that were seen to fail without their control (npm run security:mutants)", () => {
    const tried = new Set(securityMutants.map(({ test, title }) => `${test} ${title}`));
    expect([...new Set(named.map(({ file, name }) => `${file} ${name}`))].filter((one) => !tried.has(one))).toEqual([]);
    const gone = securityMutants.flatMap((one) => (one.also === undefined ? [one] : [one, one.also]));
    expect(gone.filter(({ file, find }) => !readFileSync(join(root, file), "utf8").includes(find))).toEqual([]);
  });

  it("names no test that is switched off", () => {
    const files = [...new Set(named.map(({ file }) => file))];
    expect(files.filter((file) => /\b(it|describe)\.(skip|todo)\(/.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
  });
});
