import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { profileLimits } from "./limits.ts";
import { parseProfile } from "./parse-profile.ts";
import { FileProblems, type ProfileProblem } from "./problem.ts";
import type { Profile } from "./profile.ts";

export interface FolderRead {
  readonly profiles: readonly Profile[];
  readonly problems: readonly ProfileProblem[];
  /** Files that were looked at. */
  readonly files: number;
}

/** Every .yml and .yaml below the folder, in the order of their paths. A broken file costs itself only; a folder that is not there is a problem. */
export function readFolder(folder: string, origin: Profile["origin"]): FolderRead {
  const problems: ProfileProblem[] = [];
  const files: string[] = [];
  collect(folder, "", { files, problems, depth: 0 });
  if (files.length > profileLimits.files) refuse(problems, "", `more than ${profileLimits.files} files; the rest is left out`);
  const profiles: Profile[] = [];
  const kept = files.slice(0, profileLimits.files);
  for (const file of kept) {
    const text = readLimited(join(folder, file), file, problems);
    if (text === undefined) continue;
    const parsed = parseProfile(file, text, origin);
    if (parsed.profile !== undefined) profiles.push(parsed.profile);
    if (problems.length < profileLimits.problems) problems.push(...parsed.problems);
  }
  return { profiles, problems, files: kept.length };
}

function collect(
  folder: string,
  below: string,
  found: { readonly files: string[]; readonly problems: ProfileProblem[]; readonly depth: number },
): void {
  if (found.depth > profileLimits.folderDepth) {
    refuse(found.problems, below, `more than ${profileLimits.folderDepth} folders within one another`);
    return;
  }
  for (const entry of list(join(folder, below), below, found.problems)) {
    if (entry.name.startsWith(".") || found.files.length > profileLimits.files) continue;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) collect(folder, path, { ...found, depth: found.depth + 1 });
    else if (entry.isFile() && /\.ya?ml$/i.test(entry.name)) found.files.push(path);
    // A dropped-in folder must not lead out of itself.
    else if (entry.isSymbolicLink()) refuse(found.problems, path, "is a link; links are not followed: copy what it leads to");
  }
}

function list(folder: string, below: string, problems: ProfileProblem[]): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((left, right) => (left.name < right.name ? -1 : 1));
  } catch (error) {
    refuse(problems, below, `cannot be listed (${codeOf(error)})`);
    return [];
  }
}

function readLimited(path: string, file: string, problems: ProfileProblem[]): string | undefined {
  try {
    const { size } = statSync(path);
    if (size > profileLimits.fileBytes) {
      refuse(problems, file, `is larger than ${profileLimits.fileBytes} bytes`);
      return undefined;
    }
    return textOf(readFileSync(path), file, problems);
  } catch (error) {
    refuse(problems, file, `cannot be read (${codeOf(error)})`);
    return undefined;
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Undefined = no text. Where single characters are no UTF-8, the others count. */
function textOf(bytes: Buffer, file: string, problems: ProfileProblem[]): string | undefined {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) {
    refuse(problems, file, "is UTF-16; save it as UTF-8");
    return undefined;
  }
  try {
    return strictUtf8.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const text = bytes.toString("utf8");
    const line = text.slice(0, text.indexOf("\ufffd")).split("\n").length;
    problems.push({ file, line, key: "", problem: "is not UTF-8; characters that cannot be read are shown as \ufffd", costs: "note" });
    return text;
  }
}

function refuse(problems: ProfileProblem[], file: string, problem: string): void {
  const one = new FileProblems(file);
  one.add("file", undefined, "", problem);
  problems.push(...one.list);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
