import { readCompiledProfiles } from "../../../../drivers/snmp/profiles/compiled-profiles.ts";
import { identifyDevice } from "../../../../drivers/snmp/profiles/identify-device.ts";
import { ProfileBook } from "../../../../drivers/snmp/profiles/profile-book.ts";
import { ManualClock } from "../support/fixtures.ts";
import { MemoryAgent } from "../support/memory-agent.ts";

const enterprise = "1.3.6.1.4.1";
const book = new ProfileBook(readCompiledProfiles(), [], undefined);

/** OID (below enterprises where it begins with a dot) to what it answers: numbers are INTEGERs, the rest is text. */
export type Walk = Readonly<Record<string, string | number>>;

/** What is found out about an agent that says this of itself, with the shipped profiles. `objectId` may begin with a dot, too. */
export async function identityOf(objectId: string, sysDescr: string, walk: Walk) {
  const agent = new MemoryAgent().set("1.3.6.1.2.1.1.2.0", "oid", objectId.startsWith(".") ? enterprise + objectId : objectId);
  agent.text("1.3.6.1.2.1.1.1.0", sysDescr);
  for (const [oid, value] of Object.entries(walk)) {
    const instance = oid.startsWith(".") ? enterprise + oid : oid;
    if (typeof value === "number") agent.set(instance, "integer", value);
    else agent.text(instance, value);
  }
  const clock = new ManualClock();
  const { signal } = new AbortController();
  return (await identifyDevice(agent.open(), { book, clock, deadlineMs: clock.monotonicMs() + 60_000, signal })).identity;
}

/** An agent made up, and what it must be found to be. */
export interface Device {
  readonly name: string;
  readonly objectId: string;
  readonly sysDescr: string;
  readonly walk?: Walk;
  readonly is: Readonly<Record<string, string>>;
}
