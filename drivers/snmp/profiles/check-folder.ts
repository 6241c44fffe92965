import { join } from "node:path";
import type { ProfileProblem } from "./problem.ts";
import { ProfileBook } from "./profile-book.ts";
import { readFolder } from "./read-folder.ts";

export interface FolderCheck {
  /** Files that were looked at. */
  readonly files: number;
  readonly profiles: number;
  /** Of the operator's files only; the shipped ones may be extended. */
  readonly problems: readonly ProfileProblem[];
}

/** What loading this folder beside the shipped profiles would say. */
export function checkFolder(folder: string, shippedDir = join(import.meta.dirname, "shipped")): FolderCheck {
  const shipped = readFolder(shippedDir, "shipped");
  const user = readFolder(folder, "user");
  const alone = new ProfileBook(shipped.profiles, [], undefined).problems.length;
  // Shipped profiles come first in the book, and so do their problems.
  const { problems } = new ProfileBook([...shipped.profiles, ...user.profiles], user.problems, undefined);
  const shippedFiles = new Set(alone === 0 ? [] : shipped.profiles.map(({ file }) => file));
  return {
    files: user.files,
    profiles: user.profiles.length,
    problems: problems.filter(({ file }) => !shippedFiles.has(file) || user.profiles.some((profile) => profile.file === file)),
  };
}
