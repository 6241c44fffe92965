/** `node updating-child.ts STATE URL ROOT FACTORY`: an updater in a process of its own, to be killed. Says `ready` before it begins and ends when it would restart. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createReleaseSource } from "../../cloud-bridge/uplink/release-source.ts";
import { slotDisk } from "../../runtime/host/slot-disk.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { openState } from "../../runtime/store/state.ts";
import { SlotUpdater } from "../../runtime/update/slot-updater.ts";
import { Slots } from "../../runtime/update/slots.ts";
import { silentLogger } from "../sim/silent-logger.ts";

const [, , stateDir = "", url = "", rootFile = "", factory = ""] = process.argv;
const clock = new SystemClock(() => true);
const state = openState(stateDir);
const slots = new Slots(slotDisk, join(stateDir, "slots"));
const { active, pending } = slots.boot();
// What the launcher would start now.
const chosen = pending ?? active;
const slot = chosen === "factory" || !existsSync(slots.program(chosen)) ? "factory" : chosen;
const file = slot === "factory" ? factory : slots.program(slot);
const version = /program (\S+) as/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
const updater = new SlotUpdater({
  ...{ clock, entropy: systemEntropy, logger: silentLogger, state, disk: slotDisk, slots },
  source: createReleaseSource({ url, root: readFileSync(rootFile), state, clock }),
  self: { version, hardware: "linux-x64", file, slot },
  selfTest: async () => undefined,
  healthy: async () => true,
  nocReached: () => true,
  probationMs: 20,
  restart: () => process.exit(0),
});
process.stdout.write(`ready ${version}\n`);
if (version === "1.0.0") await updater.request({ version: "1.1.0" }, {}).catch(() => undefined);
const stop = new AbortController();
const running = updater.run(stop.signal);
while (!["confirmed", "refused", "rolled-back"].includes(updater.current().phase)) await clock.sleep(5, stop.signal);
stop.abort(new Error("settled"));
await running.catch(() => undefined);
process.stdout.write(`${updater.current().phase}\n`);
process.exit(0);
