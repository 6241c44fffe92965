import { join } from "node:path";
import { compileProfiles } from "../../drivers/snmp/profiles/compiled-profiles.ts";
import { formatProblem } from "../../drivers/snmp/profiles/problem.ts";
import { readFolder } from "../../drivers/snmp/profiles/read-folder.ts";

/** The shipped device profiles as the gateway reads them at its start. @throws Error naming what is wrong in a file */
export function compiledShippedProfiles(root: string): string {
  const { profiles, problems } = readFolder(join(root, "drivers/snmp/profiles/shipped"), "shipped");
  if (problems.length > 0) throw new Error(`shipped profiles: ${problems.map(formatProblem).join("; ")}`);
  return compileProfiles(profiles);
}
