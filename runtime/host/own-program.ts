import { isSea } from "node:sea";

/** Whether this is the single binary, not a checkout run by Node. */
export const isPackaged = isSea();

/** A command line that starts this same program again. */
export interface OwnCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * How this program starts itself in another role. In the single binary the executable is the program, it takes options for the runtime
 * (`--permission`, `--max-old-space-size=...`) as one `--node-options=` before the role, and ignores NODE_OPTIONS.
 * @param nodeOptions no spaces inside one option
 */
export function ownCommand(role: string, args: readonly string[], nodeOptions: readonly string[] = []): OwnCommand {
  if (isPackaged) {
    const options = nodeOptions.length === 0 ? [] : [`--node-options=${nodeOptions.join(" ")}`];
    return { command: process.execPath, args: [...options, role, ...args] };
  }
  const entry = process.argv[1];
  return { command: process.execPath, args: [...process.execArgv, ...nodeOptions, ...(entry === undefined ? [] : [entry]), role, ...args] };
}
