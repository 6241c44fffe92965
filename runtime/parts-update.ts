/** Bill of materials of updates: where releases come from, which slots there are, what counts as healthy. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "#model/errors.ts";
import type { DocumentOwner } from "#ports/desired-state.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import type { Updater } from "#ports/updater.ts";
import { createReleaseSource } from "../cloud-bridge/uplink/release-source.ts";
import packageJson from "../package.json" with { type: "json" };
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import type { Gateway } from "./gateway.ts";
import { runSelfTest } from "./host/run-self-test.ts";
import { slotDisk } from "./host/slot-disk.ts";
import type { Platform } from "./parts-platform.ts";
import { FirmwareOwner } from "./update/firmware-owner.ts";
import { SlotUpdater } from "./update/slot-updater.ts";
import { type Running, Slots } from "./update/slots.ts";

export interface Update {
  /** For the documents of kind firmware; absent when the configuration names no repository. */
  readonly firmware?: DocumentOwner;
  readonly updater?: Updater;
  /** Tells the listener of each change of the phase. */
  readonly onPhase?: (listener: () => void) => void;
  readonly units: readonly Unit[];
  readonly sections: Readonly<Record<string, () => unknown>>;
}

/** Updates as configured; nothing at all when the configuration names no repository. @throws GatewayError config.secret when the root file is not there */
export function openUpdate(
  configuration: GatewayConfiguration,
  parts: { readonly state: State; readonly stateDir: string; readonly gateway: () => Gateway },
  platform: Platform,
): Update {
  const { url, rootFile, probationMs, maxBytesPerSecond, windows } = configuration.update;
  if (url === undefined) return { units: [], sections: {} };
  const { state, stateDir, gateway } = parts;
  const slot = slotOf(process.env.GATEHOUSE_SLOT);
  const updater = new SlotUpdater({
    ...platform,
    state,
    disk: slotDisk,
    slots: new Slots(slotDisk, join(stateDir, "slots")),
    source: createReleaseSource({ url, root: rootOf(rootFile), state, clock: platform.clock }),
    self: {
      version: packageJson.version,
      hardware: `${process.platform}-${process.arch}`,
      file: process.execPath,
      ...(slot === undefined ? {} : { slot }),
    },
    selfTest: (program, signal) => runSelfTest(program, stateDir, signal),
    healthy: async () => (await gateway().health.look()).healthy,
    nocReached: () => gateway().isNocReached(),
    probationMs,
    // Like a stop by init: everything is handed over and closed, the launcher starts what the slots say.
    restart: () => process.kill(process.pid, "SIGTERM"),
  });
  const policy = { ...(maxBytesPerSecond === 0 ? {} : { maxBytesPerSecond }), windows: windows.map(windowOf) };
  return {
    updater,
    onPhase: (listener) => updater.onPhase(listener),
    units: [updater],
    sections: { update: () => updater.current() },
    firmware: new FirmwareOwner(updater, policy, platform.clock),
  };
}

function slotOf(text: string | undefined): Running | undefined {
  return text === "a" || text === "b" || text === "factory" ? text : undefined;
}

/** `22:00-04:30` */
function windowOf(text: string): { readonly fromMinute: number; readonly toMinute: number } {
  const [from = 0, fromRest = 0, to = 0, toRest = 0] = text.split(/[:-]/).map(Number);
  return { fromMinute: from * 60 + fromRest, toMinute: to * 60 + toRest };
}

function rootOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new GatewayError("config.secret", { message: `the root of the releases ${file} (update.rootFile) cannot be read`, cause });
  }
}
