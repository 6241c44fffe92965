import { isGatewayError } from "#model/errors.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { Clock } from "#ports/clock.ts";
import type { Poller } from "./southbound/poller.ts";
import type { UnitHealth } from "./supervise/supervisor.ts";

export interface SelfTestParts {
  readonly poller: Poller;
  readonly buffer: Buffer;
  readonly clock: Clock;
  readonly health: () => readonly UnitHealth[];
  /** Equipment that answered before the change and whose settings the change touched. */
  readonly mustAnswer: readonly string[];
}

const lookMs = 100;

/** Whether the gateway does its work after a change: what is wrong, in sentences. Polls what the change touched. */
export async function selfTest(parts: SelfTestParts, signal: AbortSignal): Promise<readonly string[]> {
  const { buffer, health, mustAnswer } = parts;
  const wrong: string[] = [];
  for (const { unit, state, lastError } of health()) {
    if (state === "waiting") wrong.push(`${unit} crashed (${lastError ?? "unknown"})`);
  }
  const { state } = await buffer.stats();
  if (state !== "ok") wrong.push(`the buffer is degraded: ${state}`);
  const answers = await Promise.all(mustAnswer.map((id) => answerOf(parts, id, signal)));
  return [...wrong, ...answers.flatMap((one) => (one === undefined ? [] : [one]))].slice(0, 10);
}

/** undefined = it answers, or the change took it away. */
async function answerOf({ poller, clock }: SelfTestParts, id: string, signal: AbortSignal): Promise<string | undefined> {
  // A lost datagram is not a wrong setting: once more before it is said.
  for (let tries = 0; tries < 2; tries++) {
    if (poller.equipment.get(id) === undefined) return undefined;
    try {
      await poller.pollNow(id, signal);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
    // The first poll of a fresh session may have been under way already.
    while (poller.equipment.get(id)?.running === true) await clock.sleep(lookMs, signal);
    const { failures = 0, state = "up" } = poller.equipment.get(id)?.reachability ?? {};
    if (failures === 0 && state === "up") return undefined;
  }
  return `${id} does not answer any more (${poller.equipment.get(id)?.reachability.lastCode ?? "unknown"})`;
}
