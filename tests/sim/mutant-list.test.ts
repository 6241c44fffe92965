import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { editsOf, mutants } from "./mutant-list.ts";

it.each(mutants.map((mutant) => [mutant.name, mutant] as const))("finds the place where a mutant breaks the code: %s", (_, mutant) => {
  for (const { file, find, replace } of editsOf(mutant)) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    const places = text.split(find).length - 1;
    expect(mutant.all === true ? Math.min(places, 1) : places, `${file}: adapt the mutant in tests/sim/mutant-list.ts`).toBe(1);
    expect(replace).not.toBe(find);
  }
});
