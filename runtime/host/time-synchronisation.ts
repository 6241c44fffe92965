import { existsSync, statSync } from "node:fs";
import type { SynchronisationProbe } from "./system-clock.ts";

/** systemd-timesyncd touches it at each successful synchronisation (systemd-timesyncd.service(8)). It lies on tmpfs: gone after a boot. */
const timesyncdMark = "/run/systemd/timesync/synchronized";
/** For every other daemon: a hook of one line (`touch` it on each synchronisation) that the documentation shows for chrony and ntpd. */
const ownMark = "/run/gatehouse/clock-synchronised";

/**
 * Whether something disciplines this machine's clock.
 * `host`: the operator says so (a virtual machine, a server with its own care); `auto`: only on evidence from this boot;
 * `none`: never, wall time is a floor only.
 */
export function synchronisationProbe(source: "auto" | "host" | "none"): SynchronisationProbe {
  if (source === "host") return () => true;
  if (source === "none") return () => false;
  return () => isFresh(timesyncdMark) || isFresh(ownMark);
}

function isFresh(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    return statSync(path).isFile();
  } catch {
    // It went away between the two calls: not synchronised now, asked again in ten seconds.
    return false;
  }
}
