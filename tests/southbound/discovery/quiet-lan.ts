import type { DiscoverySettings, DiscoverySubnet } from "../../../runtime/southbound/discovery/settings.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { mac, ownAddress, subnet } from "./office-lan.ts";
import { VirtualLan } from "./virtual-lan.ts";

export const hourMs = 3_600_000;
export const never = new AbortController().signal;

export function emptyLan(): { readonly clock: VirtualClock; readonly lan: VirtualLan } {
  const clock = new VirtualClock();
  return { clock, lan: new VirtualLan(clock, [{ interfaceName: "eth0", address: ownAddress, prefixLength: 23, kind: "lan" }]) };
}

export function settingsOf(...subnets: readonly Partial<DiscoverySubnet>[]): DiscoverySettings {
  return { subnets: subnets.map((one) => ({ ...subnet, ...one })), autoAccept: [], maxDevices: 500, pollIntervalMs: 60_000 };
}

/** Runs the unit for some virtual time. */
export async function runFor(clock: VirtualClock, unit: { run(signal: AbortSignal): Promise<void> }, ms: number): Promise<void> {
  const stop = new AbortController();
  const running = unit.run(stop.signal);
  running.catch(() => undefined);
  await clock.advance(ms);
  stop.abort(new Error("end of test"));
  await clock.runUntil(running);
}

export const access = { mac: mac(1, 1), key: "v2c-key" };
