import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { createSite, type ListeningSite, type SimulatedSite, type SiteOptions } from "../../../drivers/simulated/site.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { silentLogger } from "../../sim/silent-logger.ts";

export const snmpTools = spawnSync("snmpget", ["-V"]).error === undefined;

export interface RunningSite extends ListeningSite {
  readonly site: SimulatedSite;
  /** Resolves with what `run` ended with. */
  stop(): Promise<void>;
  portOf(id: string): number;
}

export async function startSite(options: Partial<SiteOptions> = {}): Promise<RunningSite> {
  const ending = new AbortController();
  const clock = new SystemClock(() => true);
  const site = createSite({ seed: 1, clock, entropy: systemEntropy, logger: silentLogger, basePort: 0, controlPort: 0, ...options });
  const running = site.run(ending.signal);
  running.catch(() => undefined);
  const listening = await site.listening;
  return {
    site,
    ...listening,
    stop: async () => {
      ending.abort();
      await running;
    },
    portOf: (id) => listening.devices.find((device) => device.id === id)?.port ?? 0,
  };
}

export const v2c = ["-v2c", "-c", "public"];
export const v3 = [
  "-v3",
  "-l",
  "authPriv",
  "-u",
  "noc",
  "-a",
  "SHA-256",
  "-A",
  "simulated-auth-key",
  "-x",
  "AES",
  "-X",
  "simulated-priv-key",
];

/** Runs one of Debian's SNMP tools with numeric output; rejects with its standard error in the message. */
export async function snmp(
  tool: string,
  port: number,
  access: readonly string[],
  oids: readonly string[],
  timing = ["-t", "1", "-r", "1"],
): Promise<string[]> {
  const target = `127.0.0.1:${port}`;
  const { stdout } = await promisify(execFile)(tool, [...access, ...timing, "-OnUe", target, ...oids], { maxBuffer: 8 * 2 ** 20 });
  return stdout.split("\n").filter((line) => line !== "");
}

/** The value of one object as the tool prints it, without its type. */
export async function read(port: number, oid: string, access: readonly string[] = v2c): Promise<string> {
  const [line = ""] = await snmp("snmpget", port, [...access, "-Oqv"], [oid]);
  return line;
}

/** Polls a condition; fails after `limitMs`. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`condition not met within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
