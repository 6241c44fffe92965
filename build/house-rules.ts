/**
 * Rules of the house that the linter cannot express. `findBreaches` is pure, so that a test can plant a breach and see it found.
 */
import { matchesGlob } from "node:path";

/** A file of the tree: path relative to the root with `/`, and its text. */
export interface TreeFile {
  readonly path: string;
  readonly text: string;
}

export interface Breach {
  readonly path: string;
  readonly line: number;
  readonly sentence: string;
}

/** The files an override of biome.json speaks for. */
export type ImportOverride = readonly string[];

interface TextRule {
  readonly sentence: string;
  readonly pattern: RegExp;
  readonly where: (path: string) => boolean;
}

const rooms = ["runtime/", "drivers/", "cloud-bridge/", "flows/"];
const isProduct = (path: string) => rooms.some((room) => path.startsWith(room)) && /\.tsx?$/.test(path) && !path.includes("/generated/");
/** Runs in a browser, where the page's clock is the only one. */
const isPage = (path: string) => path.includes("/pages/") || path.startsWith("runtime/web/") || /^runtime\/console\/.*\.tsx$/.test(path);
/** The test of these rules plants what they forbid. */
const isTest = (path: string) => path.startsWith("tests/") && path.endsWith(".ts") && path !== "tests/house.test.ts";
const mayTouchProcess = (path: string) =>
  /^runtime\/(host|cli|roles|demo)\//.test(path) ||
  /^runtime\/(main|parts-[a-z]+)\.ts$/.test(path) ||
  /(^|\/)[a-z-]*worker\.ts$/.test(path) ||
  path.startsWith("flows/host/");

const textRules: readonly TextRule[] = [
  {
    sentence: "only runtime/host/system-clock.ts reads time: take a Clock from #ports/clock.ts",
    pattern:
      /\bDate\.now\(|\bnew Date\(\s*\)|\bDate\(\s*\)|\bhrtime\b|\bperformance\.now\(|["'](node:)?(timers|perf_hooks)(\/promises)?["']/,
    where: (path) => isProduct(path) && !isPage(path) && path !== "runtime/host/system-clock.ts",
  },
  {
    sentence: "only runtime/host/system-entropy.ts draws randomness: take an Entropy from #ports/entropy.ts",
    pattern: /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|\brandomInt\(|\bgetRandomValues\(|\brandomFill(Sync)?\(/,
    where: (path) =>
      isProduct(path) && !isPage(path) && path !== "runtime/host/system-entropy.ts" && path !== "runtime/host/system-clock.ts",
  },
  {
    sentence: "only host/, cli/, demo/, roles/, main.ts and entry files touch the process",
    pattern: /["'](node:)?process["']/,
    where: (path) => isProduct(path) && !mayTouchProcess(path),
  },
  {
    sentence: "a test may not be the only one, nor be left out; it.skipIf(...) names the missing facility",
    pattern: /\b(it|test|describe)\.(only|skip|todo|fails)\b|\b(fit|fdescribe|xit|xdescribe)\(/,
    where: isTest,
  },
];

const comment = /^\s*(\/\/|\*|\/\*)/;

/** Everything in the tree that breaks a rule. */
export function findBreaches(files: readonly TreeFile[], importOverrides: readonly ImportOverride[]): readonly Breach[] {
  return files.flatMap((file) => [...textBreaches(file), ...coverBreaches(file, importOverrides), ...lockfileBreaches(file)]);
}

function textBreaches({ path, text }: TreeFile): readonly Breach[] {
  const rules = textRules.filter((rule) => rule.where(path));
  if (rules.length === 0) return [];
  return text.split("\n").flatMap((line, index) => {
    if (comment.test(line)) return [];
    return rules.filter((rule) => rule.pattern.test(line)).map((rule) => ({ path, line: index + 1, sentence: rule.sentence }));
  });
}

/** A folder deeper than biome.json thought of would be free of the import rule without anybody noticing. */
function coverBreaches({ path }: TreeFile, importOverrides: readonly ImportOverride[]): readonly Breach[] {
  if (!isProduct(path)) return [];
  if (importOverrides.some((includes) => isIncluded(path, includes))) return [];
  return [{ path, line: 1, sentence: "no import rule of biome.json covers this file: add its room or depth" }];
}

export function isIncluded(path: string, includes: ImportOverride): boolean {
  let included = false;
  for (const glob of includes) {
    if (glob.startsWith("!")) included = included && !matchesGlob(path, glob.slice(1));
    else included = included || matchesGlob(path, glob);
  }
  return included;
}

function lockfileBreaches({ path, text }: TreeFile): readonly Breach[] {
  if (path !== "package-lock.json") return [];
  const line = text.split("\n").findIndex((one) => /"resolved":\s*"(https?|git|ssh)/.test(one)) + 1;
  return line === 0
    ? []
    : [{ path, line, sentence: "the lockfile names download addresses; .npmrc must say omit-lockfile-registry-resolved=true" }];
}
