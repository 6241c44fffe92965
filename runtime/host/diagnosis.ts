import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readMachine } from "./machine.ts";
import { stateMount } from "./state-mount.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly verdict: "ok" | "warning" | "wrong" | "unknown";
  /** What was found and, unless it is ok, what to do. */
  readonly sentence: string;
}

const hot = 80;
const fullShare = 0.95;
const nearlyFullShare = 0.9;
/** Below it each commit of the journal for mere times of files costs the flash more than what was measured. */
const calmCommitS = 30;
const wornShare = 0.8;
const littleMemory = 48 * 1024 * 1024;

/**
 * Looks at the machine below the gateway: disk, heat, voltage, flash, memory, clock, libraries. Changes nothing. @param root before /sys and /proc, for
 * machines that are described and not there
 */
export function diagnoseMachine(stateDir: string, root = ""): readonly Finding[] {
  const { temperatureC, throttled, flashWear, diskUsed, memoryAvailable } = readMachine(stateDir, root);
  const share = (value: number) => `${Math.round(value * 100)} %`;
  return [
    stateFolder(stateDir),
    judged("disk", diskUsed, (used) =>
      used > fullShare
        ? ["wrong", `${share(used)} used: free space, or lower buffer.budgetBytes and history.budgetBytes`]
        : [used > nearlyFullShare ? "warning" : "ok", `${share(used)} used${used > nearlyFullShare ? ": free space soon" : ""}`],
    ),
    mount(stateDir),
    judged("flash", flashWear, (used) =>
      used >= wornShare
        ? ["warning", `${share(used)} of its life is used: replace the card or module soon`]
        : ["ok", `${share(used)} of its life is used`],
    ),
    judged("temperature", temperatureC, (degrees) =>
      degrees >= hot ? ["warning", `${degrees} °C: give it air, or a heat sink`] : ["ok", `${degrees} °C`],
    ),
    judged("power", throttled, (slowed) =>
      slowed === 1
        ? ["warning", "the processor is slowed down for heat or low voltage: check the power supply and its cable"]
        : ["ok", "not throttled"],
    ),
    judged("memory", memoryAvailable, (bytes) =>
      bytes < littleMemory
        ? ["warning", `${Math.round(bytes / 1e6)} MB left: end other programs`]
        : ["ok", `${Math.round(bytes / 1e6)} MB available`],
    ),
    slots(stateDir),
  ];
}

function judged(name: string, value: number | undefined, judge: (value: number) => readonly [Finding["verdict"], string]): Finding {
  if (value === undefined) return { name, verdict: "unknown", sentence: "this machine does not say" };
  const [verdict, sentence] = judge(value);
  return { name, verdict, sentence };
}

function stateFolder(folder: string): Finding {
  const name = "state folder";
  if (!existsSync(folder))
    return { name, verdict: "warning", sentence: `${folder} is not there: it is made at the first run; give another with --state` };
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return {
      name,
      verdict: "wrong",
      sentence: `${folder} cannot be written by this user: run as the user of the service (sudo -u gatehouse gatehouse doctor ...)`,
    };
  }
  const isOpen = (statSync(folder).mode & 0o077) !== 0;
  return isOpen
    ? { name, verdict: "warning", sentence: `${folder} can be read by others: chmod 700` }
    : { name, verdict: "ok", sentence: folder };
}

/** What the mount does to the flash. */
function mount(folder: string): Finding {
  const name = "mount";
  const found = stateMount(folder);
  if (found === undefined) return { name, verdict: "unknown", sentence: "this machine does not say" };
  const { target, type, source, commitS } = found;
  if (commitS === undefined) return { name, verdict: "ok", sentence: `${type} on ${target}` };
  const isFlash = /^\/dev\/mmcblk/.test(source);
  if (commitS >= calmCommitS) return { name, verdict: "ok", sentence: `ext4 on ${target}, commit=${commitS}: spares the flash` };
  const advice = `ext4 on ${target}, commit=${commitS}: wears flash; mount it with commit=${calmCommitS} (GATEHOUSE_EXT4_COMMIT_S in /etc/default/gatehouse)`;
  return { name, verdict: isFlash ? "warning" : "ok", sentence: isFlash ? advice : `ext4 on ${target}, commit=${commitS}` };
}

function slots(folder: string): Finding {
  const boot = join(folder, "slots/boot");
  if (!existsSync(boot)) return { name: "slots", verdict: "ok", sentence: "the program of the package runs; nothing was updated yet" };
  const line = readFileSync(boot, "utf8").trim().slice(0, 200);
  const isPending = line.includes("pending=");
  return { name: "slots", verdict: isPending ? "warning" : "ok", sentence: isPending ? `${line}: an update is on probation` : line };
}
