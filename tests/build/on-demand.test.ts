import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { functionOnDemand, moduleOnDemand } from "../../build/bundle/on-demand.ts";

const folder = mkdtempSync(join(tmpdir(), "gatehouse-on-demand-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, text: string): () => Readonly<Record<string, unknown>> {
  const file = join(folder, name);
  writeFileSync(file, text);
  return moduleOnDemand(file);
}

describe("a module on demand", () => {
  it("is not read before it is called", () => {
    const stub = functionOnDemand(moduleOnDemand(join(folder, "missing.cjs")), "validate", []);
    expect(() => Reflect.apply(stub, undefined, [])).toThrow(/ENOENT/);
  });

  it("gives a validator's answer, its errors and no errors of the call before", () => {
    const load = written(
      "validate.cjs",
      "exports.validate = function validate(data) { validate.errors = data === 1 ? null : [{ keyword: 'const' }]; return data === 1; };",
    );
    const validate = functionOnDemand(load, "validate", []);
    expect(Reflect.apply(validate, undefined, [2])).toBe(false);
    expect(validate.errors).toEqual([{ keyword: "const" }]);
    expect(Reflect.apply(validate, undefined, [1])).toBe(true);
    expect(validate.errors).toBeNull();
  });

  it("stands for classes and for what hangs on functions, and may take Node's modules along", () => {
    const load = written(
      "library.cjs",
      "const { sep } = require('node:path'); class Place { constructor(name) { this.name = sep + name; } } function visit() {} visit.BREAK = Symbol('break'); module.exports = { Place, visit };",
    );
    expect(Reflect.construct(functionOnDemand(load, "Place", []), ["x"])).toMatchObject({ name: "/x" });
    expect(Reflect.get(functionOnDemand(load, "visit", ["BREAK"]), "BREAK")).toBeTypeOf("symbol");
  });
});
