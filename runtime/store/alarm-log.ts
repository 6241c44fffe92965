import { appendFileSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { AlarmChange } from "#model/observation.ts";
import type { AlarmLog } from "#ports/alarm-log.ts";
import type { Logger } from "#ports/logger.ts";

const current = "alarms.log";
const previous = "alarms.1.log";
/** Of one file; two are kept: some 3,000 changes. */
const maxBytes = 1_048_576;

/** A line of JSON per change in the state folder; never flushed on purpose: the flash pays for it when the system writes anyway. */
export class FileAlarmLog implements AlarmLog {
  readonly #folder: string;
  readonly #logger: Logger;
  #bytes: number;
  #failed = false;

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
    this.#bytes = statSync(join(folder, current), { throwIfNoEntry: false })?.size ?? 0;
  }

  append(changes: readonly AlarmChange[]): void {
    const text = changes.map((change) => `${JSON.stringify(change)}\n`).join("");
    try {
      if (this.#bytes > 0 && this.#bytes + text.length > maxBytes) {
        renameSync(join(this.#folder, current), join(this.#folder, previous));
        this.#bytes = 0;
      }
      appendFileSync(join(this.#folder, current), text, { mode: 0o600 });
      this.#bytes += Buffer.byteLength(text);
      this.#failed = false;
    } catch (error) {
      // A full disk or a dying card: alarms go on without their local history, and that is said once.
      if (!this.#failed) this.#logger.warn({ code: (error as NodeJS.ErrnoException).code }, "the history of alarms cannot be written");
      this.#failed = true;
    }
  }

  *newestFirst(): Generator<AlarmChange> {
    for (const file of [current, previous]) {
      for (const line of textOf(join(this.#folder, file)).split("\n").reverse()) {
        const change = parse(line);
        if (change !== undefined) yield change;
      }
    }
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not there yet, or not readable: no history.
    return "";
  }
}

/** A line that a power cut tore, or in which a bit turned, is no line. */
function parse(line: string): AlarmChange | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const change = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const { observedAt, raisedAt } = change as { readonly observedAt?: unknown; readonly raisedAt?: unknown };
    const isWhole = ["id", "key", "type", "path", "op"].every((name) => typeof change[name] === "string");
    return isWhole && isInstant(observedAt) && isInstant(raisedAt) ? (change as unknown as AlarmChange) : undefined;
  } catch {
    return undefined;
  }
}

function isInstant(value: unknown): boolean {
  return typeof value === "object" && value !== null && "wallMs" in value && typeof value.wallMs === "number";
}
