import { existsSync } from "node:fs";
import type { Logger } from "#ports/logger.ts";
import { readCompiledProfiles } from "./compiled-profiles.ts";
import { profileLimits } from "./limits.ts";
import type { ProfileProblem } from "./problem.ts";
import { ProfileBook } from "./profile-book.ts";
import { readFolder } from "./read-folder.ts";

export interface ProfileFolders {
  /** Profiles that come with the gateway; absent = those in `shipped/`, as `npm run generate` compiled them. */
  readonly shippedDir?: string;
  /** The operator's own, scanned with all folders below; absent or not there = none. */
  readonly userDir?: string;
  readonly logger?: Logger;
}

/** Lines that one load writes into the log; `gatehouse profile check` shows all. */
const maxLogged = 50;

/** Loads the shipped profiles and the operator's. Nothing in a file makes it throw: what is broken is a problem of the book. */
export function loadProfiles({ shippedDir, userDir, logger }: ProfileFolders = {}): ProfileBook {
  const shipped = shippedDir === undefined ? { profiles: readCompiledProfiles(), problems: [] } : readFolder(shippedDir, "shipped");
  const user = userDir !== undefined && existsSync(userDir) ? readFolder(userDir, "user") : { profiles: [], problems: [], files: 0 };
  const book = new ProfileBook([...shipped.profiles, ...user.profiles], [...shipped.problems, ...user.problems], logger);
  if (logger !== undefined) logProblems(book.problems, logger);
  logger?.info({ shipped: shipped.profiles.length, user: user.profiles.length, files: user.files }, "device profiles loaded");
  return book;
}

function logProblems(problems: readonly ProfileProblem[], logger: Logger): void {
  for (const { file, line, key, problem } of problems.slice(0, maxLogged))
    logger.warn({ file, line, key, problem }, "a profile has a problem");
  if (problems.length > maxLogged) {
    const more = Math.min(problems.length, profileLimits.problems) - maxLogged;
    logger.warn({ more }, "more problems in profiles; see gatehouse profile check");
  }
}
