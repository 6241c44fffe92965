import { readFileSync, realpathSync } from "node:fs";

/** The mount that a folder lies on. */
export interface StateMount {
  readonly target: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
  /** Seconds between ext4's commits of its journal; undefined = not ext4. */
  readonly commitS: number | undefined;
}

/** ext4 does not name its own default among the options. */
const ext4DefaultS = 5;

/** undefined = this machine does not say. @param mounts text of /proc/self/mounts */
export function stateMount(folder: string, mounts = mountsOfThis()): StateMount | undefined {
  const path = realOf(folder);
  let found: StateMount | undefined;
  for (const line of mounts.split("\n")) {
    const [source = "", rawTarget = "", type = "", optionText = ""] = line.split(" ");
    const target = unescaped(rawTarget);
    const isAbove = target !== "" && (target === "/" || path === target || path.startsWith(`${target}/`));
    // Of two on the same place the later one is on top.
    if (!isAbove || target.length < (found?.target.length ?? 0)) continue;
    const options = optionText.split(",");
    const commit = options.find((one) => one.startsWith("commit="))?.slice(7);
    found = { target, type, source: unescaped(source), options, commitS: type === "ext4" ? Number(commit ?? ext4DefaultS) : undefined };
  }
  return found;
}

function mountsOfThis(): string {
  try {
    return readFileSync("/proc/self/mounts", "utf8");
  } catch {
    // No /proc here: said as undefined.
    return "";
  }
}

function realOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    // Not made yet: its name will do.
    return folder;
  }
}

/** Blanks and the like are octal there. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
