import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { PollResult } from "#ports/driver.ts";
import type { Logger } from "#ports/logger.ts";
import { parseProfile } from "../../../../drivers/snmp/profiles/parse-profile.ts";
import type { Profile } from "../../../../drivers/snmp/profiles/profile.ts";
import { ProfileBook } from "../../../../drivers/snmp/profiles/profile-book.ts";
import { createProfileSource } from "../../../../drivers/snmp/profiles/profile-source.ts";
import { createSnmpDriver } from "../../../../drivers/snmp/snmp-driver.ts";
import { contextWith, equipment, ManualClock } from "../support/fixtures.ts";
import type { MemoryAgent } from "../support/memory-agent.ts";

/** The vendor of every fixture here; nobody's number. */
export const acme = "1.3.6.1.4.1.99999";

export function parsed(text: string, file = "acme.yaml", origin: Profile["origin"] = "user"): Profile {
  const { profile } = parseProfile(file, text, origin);
  if (profile === undefined) throw new Error("no profile");
  return profile;
}

export function problemsOf(text: string): readonly string[] {
  return parseProfile("acme.yaml", text, "user").problems.map(({ line, key, problem, costs }) => `${line} ${key}: ${problem} [${costs}]`);
}

/** A book of files by name. */
export function bookOf(files: Readonly<Record<string, string>>, logger?: Logger): ProfileBook {
  const profiles = Object.entries(files).map(([name, text]) => parsed(text, `${name}.yaml`));
  return new ProfileBook(profiles, [], logger);
}

/** Polls an agent three times with these profiles loaded: the first poll identifies, the second has the profiles' tables. */
export async function pollWith(files: Readonly<Record<string, string>>, agent: MemoryAgent, profile?: string): Promise<PollResult[]> {
  const clock = new ManualClock();
  const driver = createSnmpDriver({ engine: agent, profiles: createProfileSource(bookOf(files)) });
  const session = driver.open({ ...equipment(), ...(profile !== undefined && { profile }) }, contextWith(clock));
  const results: PollResult[] = [];
  for (let poll = 0; poll < 3; poll++) {
    agent.set("1.3.6.1.2.1.1.3.0", "timeticks", 360_000 + poll * 6_000);
    const nowMs = clock.monotonicMs();
    results.push(await session.poll({ plannedAtMs: nowMs, deadlineMs: nowMs + 60_000 }, new AbortController().signal));
    clock.advance(60_000);
  }
  await session.close();
  return results;
}

/** A folder with these files, removed by the returned function. */
export function folderOf(files: Readonly<Record<string, string>>): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "gatehouse-profiles-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
