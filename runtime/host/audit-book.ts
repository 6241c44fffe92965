import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, statSync, truncateSync, unlinkSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "#model/errors.ts";
import type { Event } from "#model/observation.ts";
import type { Audit, AuditEntry, AuditRecord } from "#ports/audit.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { makeStateFolder } from "./state-folder.ts";

const fileBytes = 1_048_576;
const keptFiles = 16;
const maxWaiting = 1_000;
const maxLineBytes = 4_096;
const none = "0".repeat(64);

/**
 * `STATE/audit/`: one JSON record a line, each with the hash of the line before; files of 1 MiB, the newest sixteen are kept. Appended and
 * flushed off the loop, in order. A line that a power cut tore is cut off at the next start, and that start says so in a record of its own.
 */
export class AuditBook implements Audit, Unit {
  readonly name = "audit";
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waiting: string[] = [];
  readonly #taps = new Set<(event: Event) => void>();
  #n = 0;
  #prev = none;
  #lost = 0;
  #wake: (() => void) | undefined;

  /** @throws GatewayError buffer.denied */
  constructor(stateDir: string, platform: { readonly clock: Clock; readonly logger: Logger }) {
    this.#folder = join(stateDir, "audit");
    this.#clock = platform.clock;
    this.#logger = platform.logger;
    makeStateFolder(this.#folder);
    this.#recover();
  }

  /** Records that are not on disk yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  write(entry: AuditEntry): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#lost += 1;
      return;
    }
    if (this.#lost > 0) {
      const detail = `${this.#lost} records were lost: too many at once`;
      this.#lost = 0;
      this.#append({ actor: "gateway", action: "audit.overrun", outcome: "error", detail });
    }
    this.#append(entry);
  }

  #append(entry: AuditEntry): void {
    const now = this.#clock.now();
    this.#n += 1;
    const short = (text: string, length: number) => text.slice(0, length);
    const record: AuditRecord = {
      ...{ n: this.#n, at: Math.round(now.wallMs), clock: now.quality, boot: now.bootId },
      ...{ actor: short(entry.actor, 128), action: short(entry.action, 64), outcome: entry.outcome },
      ...(entry.target === undefined ? {} : { target: short(entry.target, 256) }),
      ...(entry.from === undefined ? {} : { from: short(entry.from, 128) }),
      ...(entry.detail === undefined ? {} : { detail: short(entry.detail, 512) }),
      prev: this.#prev,
    };
    const line = JSON.stringify(record);
    this.#prev = hashOf(line);
    this.#waiting.push(line);
    const event: Event = {
      ...{ kind: "event", type: "log.audit", source: "gateway", severity: "indeterminate", observedAt: now },
      text: short(`${record.action} by ${record.actor}: ${record.outcome}${record.detail === undefined ? "" : ` (${record.detail})`}`, 500),
      attributes: { ...record, hash: this.#prev },
    };
    for (const tap of this.#taps) tap(event);
    this.#wake?.();
  }

  onRecord(tap: (event: Event) => void): () => void {
    this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
    while (!signal.aborted || this.#waiting.length > 0) {
      if (this.#waiting.length > 0) await this.#flush();
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (signal.aborted || this.#waiting.length > 0) resolve();
        });
      this.#wake = undefined;
    }
  }

  async #flush(): Promise<void> {
    const lines = this.#waiting.slice();
    const text = `${lines.join("\n")}\n`;
    try {
      this.#turnPage(Buffer.byteLength(text));
      const handle = await open(this.#page(0), "a", 0o600);
      try {
        await handle.appendFile(text);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      this.#waiting.splice(0, lines.length);
    } catch (cause) {
      // A torn line may be there: it is cut off before the next try, or the chain would break on it.
      this.#logger.error(
        { reason: (cause as NodeJS.ErrnoException).code ?? "unknown" },
        "the audit book cannot be written; it is tried again",
      );
      this.#cutTorn();
      await this.#clock.sleep(5_000, new AbortController().signal);
    }
  }

  #turnPage(more: number): void {
    const current = statSync(this.#page(0), { throwIfNoEntry: false });
    if (current === undefined || current.size + more <= fileBytes) return;
    if (existsSync(this.#page(keptFiles - 1))) unlinkSync(this.#page(keptFiles - 1));
    for (let index = keptFiles - 2; index >= 0; index--) {
      if (existsSync(this.#page(index))) renameSync(this.#page(index), this.#page(index + 1));
    }
  }

  /** 0 = the newest. */
  #page(index: number): string {
    return join(this.#folder, index === 0 ? "audit.jsonl" : `audit.${index}.jsonl`);
  }

  #recover(): void {
    const torn = this.#cutTorn();
    const newest = [this.#page(0), this.#page(1)].find((file) => existsSync(file) && statSync(file).size > 0);
    const lines = newest === undefined ? [] : readFileSync(newest, "utf8").trimEnd().split("\n");
    const last = lines.at(-1);
    const record = last === undefined ? undefined : parsed(last);
    if (last !== undefined && record !== undefined) {
      this.#n = record.n;
      this.#prev = hashOf(last);
    } else if (last !== undefined) {
      // Unreadable: a new chain begins, and says that the old one cannot be continued.
      this.#append({
        actor: "gateway",
        action: "audit.broken",
        outcome: "error",
        detail: "the book could not be read; a new chain begins",
      });
    }
    if (torn > 0)
      this.#append({
        actor: "gateway",
        action: "audit.torn",
        outcome: "error",
        detail: `${torn} bytes of an unfinished record were cut off`,
      });
  }

  /** Bytes behind the last line break, which belong to no whole record. */
  #cutTorn(): number {
    const file = this.#page(0);
    if (!existsSync(file)) return 0;
    const bytes = readFileSync(file);
    const whole = bytes.lastIndexOf(10) + 1;
    if (whole < bytes.length) truncateSync(file, whole);
    return bytes.length - whole;
  }

  async read(limit: number): Promise<readonly AuditRecord[]> {
    const lines = [...(await linesOf(this.#folder)), ...this.#waiting];
    return lines.slice(-Math.min(limit, 1_000)).flatMap((line) => parsed(line) ?? []);
  }

  async verify(): Promise<AuditVerdict> {
    return verdictOn([...(await linesOf(this.#folder)), ...this.#waiting]);
  }
}

/** What a check of the whole chain found. */
export interface AuditVerdict {
  readonly records: number;
  readonly head: string;
  readonly breaks: readonly string[];
}

/** The book of a state folder, whether a gateway runs on it or not. @throws GatewayError buffer.denied */
export async function readAuditBook(
  stateDir: string,
  limit: number,
): Promise<{ readonly records: readonly AuditRecord[]; readonly verdict: AuditVerdict }> {
  const folder = join(stateDir, "audit");
  if (!existsSync(folder))
    throw new GatewayError("buffer.denied", { message: `there is no audit book in ${stateDir}`, fields: { folder } });
  const lines = await linesOf(folder);
  return { records: lines.slice(-Math.min(limit, 1_000)).flatMap((line) => parsed(line) ?? []), verdict: verdictOn(lines) };
}

function verdictOn(lines: readonly string[]): AuditVerdict {
  const breaks: string[] = [];
  let before: { readonly n: number; readonly hash: string } | undefined;
  for (const line of lines) {
    const record = parsed(line);
    if (record === undefined) breaks.push(`a record after number ${before?.n ?? 0} cannot be read`);
    else if (before !== undefined && record.n !== before.n + 1) breaks.push(`record ${record.n} follows ${before.n}`);
    else if (before !== undefined && record.prev !== before.hash)
      breaks.push(`record ${before.n} was changed after ${record.n} was written`);
    if (record !== undefined) before = { n: record.n, hash: hashOf(line) };
    if (breaks.length >= 16) break;
  }
  return { records: lines.length, head: before?.hash ?? none, breaks };
}

async function linesOf(folder: string): Promise<readonly string[]> {
  const names = readdirSync(folder).filter((name) => /^audit(\.\d+)?\.jsonl$/.test(name));
  const index = (name: string) => Number(/\.(\d+)\./.exec(name)?.[1] ?? 0);
  const texts: string[] = [];
  for (const name of names.sort((a, b) => index(b) - index(a))) {
    const file = join(folder, name);
    if (statSync(file).size > 2 * fileBytes)
      throw new GatewayError("buffer.denied", { message: `${file} is not a page of the audit book` });
    texts.push(await readFile(file, "utf8"));
  }
  const lines = texts.join("").split("\n");
  // What stands behind the last line break is being written, or was torn: no whole record.
  return lines.slice(0, -1).filter((line) => line !== "");
}

function parsed(line: string): AuditRecord | undefined {
  if (line.length > maxLineBytes) return undefined;
  try {
    const record = JSON.parse(line) as AuditRecord;
    return Number.isSafeInteger(record.n) && typeof record.prev === "string" ? record : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(line: string): string {
  return createHash("sha256").update(line).digest("hex");
}
