import type { HelloMessage } from "../../protocol/messages/presence.ts";
import type { Drafts, GatewayDraft } from "./drafts.ts";
import { watchIdentity } from "./identity-watch.ts";
import { watchMemory } from "./memory-watch.ts";
import { endSequenceAlarm } from "./sequence-watch.ts";

/** What a greeting says between the lines: a twin, a memory that was put back, a fault that is over. Before it is applied: it is compared with the last one. */
export async function watchGreeting(drafts: Drafts, gateway: GatewayDraft, message: HelloMessage, retained: boolean): Promise<void> {
  await watchIdentity(drafts, gateway, message, retained);
  await watchMemory(drafts, gateway, message, retained);
  if (!retained) await endSequenceAlarm(drafts, gateway, message);
}
