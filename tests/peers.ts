import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export interface Peer {
  readonly name: string;
  readonly available: boolean;
  /** Absolute path; "" when it is not there. */
  readonly path: string;
  /** For the name of a skipped test. */
  readonly reason: string;
}

/** Debian puts daemons where an ordinary user's PATH does not look. */
const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * A program of the operating system that a test needs. Where GATEHOUSE_REQUIRE_PEERS=1 (continuous integration) a missing one fails the
 * test file instead of skipping it.
 */
export function peer(name: string): Peer {
  const path = folders.map((folder) => join(folder, name)).find(isExecutable) ?? "";
  if (path === "" && process.env["GATEHOUSE_REQUIRE_PEERS"] === "1")
    throw new Error(`${name} is not installed, and GATEHOUSE_REQUIRE_PEERS=1 requires it`);
  return { name, available: path !== "", path, reason: path === "" ? `${name} is not installed` : "" };
}

/** Names of those that are not there. */
export function missingPeers(...names: readonly string[]): readonly string[] {
  return names.map(peer).flatMap((one) => (one.available ? [] : [one.name]));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: the same for a test.
    return false;
  }
}
