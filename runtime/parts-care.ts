/** Bill of materials of the gateway's care for itself: the watchdog's beat, memory. */
import type { Unit } from "#ports/unit.ts";
import type { Gateway } from "./gateway.ts";
import { beatFile } from "./host/beat-file.ts";
import { garbageRounds, trimRounds } from "./host/memory.ts";
import type { Platform } from "./parts-platform.ts";

export interface CareOptions {
  readonly beat?: string;
  /** Few devices: memory counts for more than what collecting it costs. */
  readonly isThrifty: boolean;
}

/** Units that run beside the gateway's own. */
export function openCare(options: CareOptions, gateway: Gateway, platform: Platform): readonly Unit[] {
  const { clock, logger } = platform;
  const beat = options.beat === undefined ? [] : [beatFile({ file: options.beat, healthy: () => gateway.health.look(), clock, logger })];
  return [...beat, options.isThrifty ? garbageRounds(clock) : trimRounds(clock)];
}
