import { renameSync, writeFileSync } from "node:fs";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";

/** Half of what a watchdog of 30 s needs, and rare enough to cost nothing. */
const everyMs = 5_000;

/**
 * Writes a new line into a file for every look at which the gateway was healthy, and none otherwise: the launcher passes it on to the
 * watchdog. The file belongs on a memory file system (systemd's RuntimeDirectory): it is rewritten every 5 s.
 * `run` throws GatewayError host.denied when the file cannot be written.
 */
export function beatFile(options: {
  readonly file: string;
  readonly healthy: () => Promise<{ readonly healthy: boolean; readonly problems: readonly string[] }>;
  readonly clock: Clock;
  readonly logger: Logger;
}): Unit {
  return { name: "beat", run: (signal) => beat(options, signal) };
}

async function beat(options: Parameters<typeof beatFile>[0], signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  let wasHealthy = true;
  for (let count = 1; !signal.aborted; count++) {
    const { healthy, problems } = await options.healthy();
    if (healthy) write(options.file, count);
    if (healthy !== wasHealthy) {
      if (healthy) logger.info({}, "healthy again");
      else logger.error({ problems: problems.join("; ") }, "not healthy: the watchdog gets no beat");
    }
    wasHealthy = healthy;
    await clock.sleep(everyMs, signal).catch((reason: unknown) => {
      if (!signal.aborted) throw reason;
    });
  }
}

function write(file: string, count: number): void {
  try {
    writeFileSync(`${file}.new`, `beat ${count}\n`);
    renameSync(`${file}.new`, file);
  } catch (cause) {
    throw new GatewayError("host.denied", { message: `the watchdog's file ${file} cannot be written`, cause });
  }
}
