import { createSnmpEngine, type Engine, type EngineParts } from "../../../../drivers/snmp/engine/engine.ts";
import { SystemClock } from "../../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../../runtime/host/system-entropy.ts";
import type { SnmpSession, Varbind } from "../../../../runtime/ports/snmp.ts";
import { silentLogger } from "../../../sim/silent-logger.ts";

export const clock = new SystemClock(() => true);
export const unending = new AbortController().signal;

export function startEngine(parts: Partial<EngineParts> = {}): Engine {
  return createSnmpEngine({ clock, entropy: systemEntropy, logger: silentLogger, ...parts });
}

export function inMs(ms: number): number {
  return clock.monotonicMs() + ms;
}

export async function walkAll(session: SnmpSession, root: string, limits = { maxRows: 10_000, maxRequests: 10_000 }): Promise<Varbind[]> {
  const rows: Varbind[] = [];
  for await (const batch of session.walk(root, { ...limits, deadlineMs: inMs(20_000) }, unending)) rows.push(...batch);
  return rows;
}
