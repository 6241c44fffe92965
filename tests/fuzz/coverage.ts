import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Covered {
  readonly lines: number;
  readonly linesHit: number;
  readonly branches: number;
  readonly branchesHit: number;
}

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** V8's own block coverage of this thread, from `start` on. Begin before the product's modules are loaded. */
export class CoverageGauge {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Lines and blocks of these files that ran. A block is what V8 counts apart: a branch, an arm of a conditional, a function. */
  async of(files: readonly string[]): Promise<Covered> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    const total = { lines: 0, linesHit: 0, branches: 0, branchesHit: 0 };
    for (const file of files) {
      const script = result.find(({ url }) => url === pathToFileURL(join(root, file)).href);
      const one = covered(readFileSync(join(root, file), "utf8"), script?.functions.flatMap(({ ranges }) => ranges) ?? []);
      for (const key of ["lines", "linesHit", "branches", "branchesHit"] as const) total[key] += one[key];
    }
    return total;
  }
}

function covered(source: string, ranges: readonly Range[]): Covered {
  // Types become blanks of the same length: what stands nowhere after that is no code.
  const code = stripTypeScriptTypes(source).replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, (comment) =>
    comment.replaceAll(/[^\n]/g, " "),
  );
  const hit = new Uint8Array(code.length).fill(ranges.length === 0 ? 0 : 1);
  // Outer ranges first: the innermost says what counts.
  const ordered = [...ranges].sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  for (const { startOffset, endOffset, count } of ordered) hit.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  let [lines, linesHit, at] = [0, 0, 0];
  for (const line of code.split("\n")) {
    if (/\w/.test(line)) {
      lines += 1;
      if (hit.subarray(at, at + line.length).some((one, column) => one === 1 && /\w/.test(line[column] ?? ""))) linesHit += 1;
    }
    at += line.length + 1;
  }
  return { lines, linesHit, branches: ranges.length, branchesHit: ranges.filter(({ count }) => count > 0).length };
}
