import { writeSync } from "node:fs";
import { unitOfId } from "../protocol.ts";
import type { RunningNode } from "./node-red.ts";
import { wordsOf } from "./words.ts";

/** Inherited from the telemetry process, which reads it after our death. */
const crumbDescriptor = 4;
const crumbLength = 256;
const fatalOffset = 512;
const fatalLength = 3_000;
const utf8 = new TextEncoder();

/** Unit of a running node: the tab it lives on. */
export function unitOf(node: RunningNode | undefined): string {
  const path = node?._flow?.path;
  return unitOfTab(path === undefined ? (node?.z ?? "global") : (path.split("/", 1)[0] ?? "global"));
}

export function unitOfTab(tab: string): string {
  return tab.startsWith("s_") ? unitOfId(tab) : `local/${tab}`;
}

/**
 * Says who is running in a few bytes of shared memory, so that a process that hangs or is shot still names its culprit. Written only when it
 * changes: 1 to 3 points of CPU at 5,000 messages a second.
 */
export class Crumb {
  #last = "";
  #node: RunningNode | undefined;
  readonly #bytes = new Uint8Array(crumbLength);

  touch(node: RunningNode): void {
    // Functions are where time is lost; of the others the unit is enough to know.
    const key = node.type === "function" ? node.id : unitOf(node);
    if (key === this.#last) return;
    this.#last = key;
    this.#node = node;
    this.#bytes.fill(0);
    utf8.encodeInto(
      JSON.stringify({ unit: unitOf(node).slice(0, 80), node: node.id.slice(0, 80), type: node.type.slice(0, 40) }),
      this.#bytes,
    );
    writeSync(crumbDescriptor, this.#bytes, 0, crumbLength, 0);
  }

  /** What a node put off runs in its name: timers of functions among them. */
  followTimers(): void {
    const follow = <T extends (call: (...args: never[]) => void, ...rest: never[]) => unknown>(timer: T): T => {
      const followed = (call: (...args: never[]) => void, ...rest: never[]) => {
        const node = this.#node;
        if (node === undefined || typeof call !== "function") return timer(call, ...rest);
        const inItsName = (...args: never[]) => {
          this.touch(node);
          call(...args);
        };
        return timer(inItsName, ...rest);
      };
      // What hangs on it (promisify) stays.
      return Object.defineProperties(followed, Object.getOwnPropertyDescriptors(timer)) as unknown as T;
    };
    globalThis.setTimeout = follow(globalThis.setTimeout as never) as never;
    globalThis.setInterval = follow(globalThis.setInterval as never) as never;
    globalThis.setImmediate = follow(globalThis.setImmediate as never) as never;
  }
}

/** Which node's code a stack runs through, if it says so. */
export function nodeInStack(stack: string): string | undefined {
  return /Function node:([A-Za-z0-9_.-]+)/.exec(stack)?.[1];
}

/** Somebody ends the process himself: who is in the stack of it. */
export function writeExit(code: number, unitOfNode: (id: string) => string | undefined): void {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  const words = new Error(`a flow ended the process with code ${code}`);
  Error.stackTraceLimit = stackTraceLimit;
  if (nodeInStack(words.stack ?? "") !== undefined) writeFatal(words, unitOfNode);
}

let hasSpoken = false;

/** Last words of this process; the first are the true ones. */
export function writeFatal(error: unknown, unitOfNode: (id: string) => string | undefined): void {
  if (hasSpoken) return;
  hasSpoken = true;
  const stack = wordsOf(error);
  const node = nodeInStack(stack);
  const words = { unit: node === undefined ? undefined : unitOfNode(node), node, message: stack.slice(0, 800) };
  const bytes = new Uint8Array(fatalLength);
  utf8.encodeInto(JSON.stringify(words), bytes);
  writeSync(crumbDescriptor, bytes, 0, fatalLength, fatalOffset);
}
