import { profileLimits } from "./limits.ts";

/** What is wrong in a profile file. */
export interface ProfileProblem {
  /** Relative to the folder that was loaded. */
  readonly file: string;
  /** 1-based; undefined = the file as a whole. */
  readonly line: number | undefined;
  /** `metrics[3].symbols[0].OID`; "" = the file. */
  readonly key: string;
  readonly problem: string;
  /** `file`: nothing of the file can be used; `row`: this row is left out; `note`: everything counts, but not as written. */
  readonly costs: "file" | "row" | "note";
}

/** Problems of one file: bounded, and an unknown key is named once. */
export class FileProblems {
  readonly list: ProfileProblem[] = [];
  readonly #file: string;
  readonly #unknown = new Set<string>();

  constructor(file: string) {
    this.#file = file;
  }

  add(costs: ProfileProblem["costs"], line: number | undefined, key: string, problem: string): void {
    if (this.list.length < profileLimits.problemsPerFile) this.list.push({ file: this.#file, line, key, problem, costs });
  }

  /** Warns once per file and key name; where it stands says the first place. */
  unknownKey(line: number, path: string, name: string): void {
    if (this.#unknown.has(name) || this.#unknown.size >= profileLimits.problemsPerFile) return;
    this.#unknown.add(name);
    this.add("note", line, path, "unknown key; it is left out");
  }
}

/** `apc/ups.yaml:12: metrics[3].symbol.OID: is not an OID`. Names and keys are a stranger's: nothing in them drives the terminal. */
export function formatProblem({ file, line, key, problem }: ProfileProblem): string {
  const said = [`${file}${line === undefined ? "" : `:${line}`}`, ...(key === "" ? [] : [key]), problem].join(": ");
  return said.replaceAll(/[\p{Cc}\p{Cf}]/gu, "\ufffd");
}
