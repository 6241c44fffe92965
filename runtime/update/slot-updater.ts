import { createHash } from "node:crypto";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Release, ReleaseFile, ReleaseSource } from "#ports/release.ts";
import type { SlotDisk } from "#ports/slot-disk.ts";
import type { State } from "#ports/state.ts";
import type { Unit } from "#ports/unit.ts";
import type { UpdatePhase, UpdatePolicy, Updater, UpdateStatus, UpdateTarget } from "#ports/updater.ts";
import { Probation } from "./probation.ts";
import type { Running, Slots } from "./slots.ts";
import { download, hashFile, unpack } from "./transfer.ts";
import { UpdateMemory } from "./update-memory.ts";
import { compareVersions } from "./version-order.ts";
import { isWithin } from "./window.ts";

export interface SlotUpdaterParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly state: State;
  readonly disk: SlotDisk;
  readonly slots: Slots;
  readonly source: ReleaseSource;
  /** The program that runs: version, hardware, its file, and which slot the launcher took it from; absent = not started by a launcher. */
  readonly self: { readonly version: string; readonly hardware: string; readonly file: string; readonly slot?: Running };
  /** Runs the new program's own test on a copy of the state. @throws GatewayError update.self-test */
  readonly selfTest: (program: string, signal: AbortSignal) => Promise<void>;
  readonly healthy: () => Promise<boolean>;
  readonly nocReached: () => boolean;
  /** How long the gateway has to be healthy before a new version is kept, ms. */
  readonly probationMs: number;
  /** Ends this process in order; init starts the launcher afresh. */
  readonly restart: () => void;
}

const firstPauseMs = 10_000;
const longestPauseMs = 3_600_000;
/** How often a closed window is looked at again, ms. */
const windowLookMs = 30_000;

/**
 * Updates in two slots. `run` first settles what became of the last update, then works on what is wanted. All it needs to go on after a cut is
 * durable: what is wanted (state), the part of the download (work folder), the slots.
 */
export class SlotUpdater implements Updater, Unit {
  readonly name = "updater";
  readonly #parts: SlotUpdaterParts;
  readonly #memory: UpdateMemory;
  #phaseNow: UpdatePhase = "idle";
  #onPhase: () => void = () => undefined;
  #transfer: { received: number; total: number; kind: "full" | "delta" } | undefined;
  #problem: UpdateStatus["problem"];
  #news = Promise.withResolvers<void>();

  constructor(parts: SlotUpdaterParts) {
    this.#parts = parts;
    this.#memory = new UpdateMemory(parts.state);
    const last = this.#memory.last();
    if (last !== undefined) {
      this.#phase = last.phase;
      this.#problem = last.problem;
    }
    // What is said before `run` must not count an earlier update's success for this one's.
    const { pending } = parts.slots.boot();
    if (pending !== undefined && pending === parts.self.slot) this.#phase = "probation";
  }

  /** Called at each change of the phase. One listener: what tells the NOC. */
  onPhase(listener: () => void): void {
    this.#onPhase = listener;
  }

  get #phase(): UpdatePhase {
    return this.#phaseNow;
  }

  set #phase(phase: UpdatePhase) {
    const isChanged = phase !== this.#phaseNow;
    this.#phaseNow = phase;
    if (isChanged) this.#onPhase();
  }

  current(): UpdateStatus {
    const { self } = this.#parts;
    const target = this.#memory.wanted()?.target ?? this.#memory.last()?.target;
    return {
      phase: this.#phase,
      version: self.version,
      hardware: self.hardware,
      ...(self.slot === "a" || self.slot === "b" ? { slot: self.slot } : {}),
      ...(target === undefined ? {} : { target }),
      ...(this.#transfer === undefined
        ? {}
        : { receivedBytes: this.#transfer.received, totalBytes: this.#transfer.total, transfer: this.#transfer.kind }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  async request(target: UpdateTarget, policy: UpdatePolicy): Promise<UpdateStatus> {
    const { self } = this.#parts;
    if (self.slot === undefined) throw refused("this program was not started by the launcher: there are no slots to update");
    if (this.#memory.isBlacklisted(target.version)) throw refused(`${target.version} failed here before and is not tried again`);
    const isSettled = target.version === self.version && this.#phase !== "probation";
    if (isSettled) {
      this.#memory.want(undefined);
      return this.current();
    }
    this.#memory.want({ target, policy });
    this.#problem = undefined;
    this.#news.resolve();
    return this.current();
  }

  async cancel(): Promise<UpdateStatus> {
    this.#memory.want(undefined);
    this.#news.resolve();
    return this.current();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, slots } = this.#parts;
    if (this.#parts.self.slot === undefined) return untilAborted(signal);
    const probation = new Probation({ ...this.#parts, memory: this.#memory });
    this.#settle(probation.settleFailure());
    if (probation.isOn()) {
      this.#phase = "probation";
      logger.warn({ version: this.#parts.self.version, slot: this.#parts.self.slot }, "a new version runs on probation");
      const outcome = await probation.run(signal);
      if (outcome === undefined) return;
      this.#settle(outcome);
      if (outcome.phase === "rolled-back") return this.#end(signal);
    }
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      this.#news = Promise.withResolvers<void>();
      const wanted = this.#memory.wanted();
      if (wanted === undefined) {
        if (this.#phase === "waiting" || this.#phase === "downloading") this.#phase = "idle";
        await Promise.race([this.#news.promise, untilAborted(signal)]);
        continue;
      }
      if (!isWithin(wanted.policy.windows, clock.now().wallMs)) {
        this.#phase = "waiting";
        await this.#pause(windowLookMs, signal);
        continue;
      }
      try {
        await this.#install(wanted.target, wanted.policy, signal);
        return this.#end(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isGatewayError(error)) throw error;
        this.#note(error, wanted.target);
        if (error.retryable) await this.#pause(pauseMs * (0.5 + this.#parts.entropy.random()), signal);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      }
    }
    slots.boot();
  }

  async #install(target: UpdateTarget, policy: UpdatePolicy, signal: AbortSignal): Promise<void> {
    const { self, source, slots, selfTest, logger, nocReached } = this.#parts;
    this.#phase = "downloading";
    const release = await source.find(target.version, self.hardware, signal);
    this.#allowed(release, policy);
    const slot = slots.free(self.slot ?? "factory");
    const program = `${slots.workFolder()}/gatehouse`;
    await this.#fetch(release, policy, program, signal);
    this.#phase = "self-test";
    await selfTest(program, signal);
    while (!isWithin(policy.windows, this.#parts.clock.now().wallMs)) await this.#parts.clock.sleep(windowLookMs, signal);
    this.#phase = "switching";
    slots.fill(slot, program);
    this.#memory.arm({ target, slot, sha256: release.sha256, nocReached: nocReached(), from: self.version });
    slots.arm(slot);
    logger.warn({ version: target.version, slot }, "switching to a new version: restarting");
  }

  #allowed(release: Release, policy: UpdatePolicy): void {
    const { self } = this.#parts;
    if (release.hardware !== self.hardware)
      throw refused(`release ${release.version} is for ${release.hardware}, this is ${self.hardware}`);
    if (release.floor !== undefined && compareVersions(release.version, release.floor) < 0)
      throw refused(`${release.version} is older than ${release.floor}, the oldest that may be installed`);
    if (policy.allowOlder !== true && compareVersions(release.version, self.version) < 0)
      throw refused(`${release.version} is older than ${self.version}, which runs`);
    if (this.#memory.isBlacklisted(release.sha256)) throw refused(`${release.version} failed here before and is not tried again`);
  }

  /** The delta if there is one for the program that runs; the full file if not, or if the delta does not do. */
  async #fetch(release: Release, policy: UpdatePolicy, program: string, signal: AbortSignal): Promise<void> {
    const { disk, self, logger } = this.#parts;
    const full = release.files.find((file) => file.format === "zstd");
    if (full === undefined) throw refused(`${release.version} has no full file`);
    const hash = createHash("sha256");
    await hashFile(disk, self.file, disk.length(self.file) ?? 0, hash);
    const own = hash.digest("hex");
    const delta = release.files.find((file) => file.base === own);
    if (delta !== undefined) {
      try {
        return await this.#take(delta, release, policy, program, signal);
      } catch (error) {
        if (!isGatewayError(error) || error.code === "update.unreachable") throw error;
        logger.warn({ code: error.code, problem: error.message }, "the delta does not do: the full file is fetched");
      }
    }
    await this.#take(full, release, policy, program, signal);
  }

  async #take(file: ReleaseFile, release: Release, policy: UpdatePolicy, program: string, signal: AbortSignal): Promise<void> {
    const { disk, slots, self } = this.#parts;
    const packed = `${slots.workFolder()}/${file.sha256}`;
    // Parts of other releases go first; the packed file and the program have to fit.
    const needed = file.length + release.length - (disk.length(packed) ?? 0);
    if (disk.freeBytes(slots.workFolder()) < needed)
      throw new GatewayError("update.disk", {
        message: `${needed} bytes are needed for the update, ${disk.freeBytes(slots.workFolder())} are free`,
      });
    this.#phase = "downloading";
    this.#transfer = { received: 0, total: file.length, kind: file.format === "delta" ? "delta" : "full" };
    const transfer = this.#transfer;
    await download(this.#parts, file, packed, policy, signal, (received) => {
      transfer.received = received;
    });
    this.#phase = "verifying";
    await unpack(this.#parts, { file, packed, base: self.file }, release, program);
    disk.remove(packed);
  }

  #note(error: GatewayError, target: UpdateTarget): void {
    const { logger, slots, disk } = this.#parts;
    const problem = { code: error.code, message: error.message };
    if (this.#problem?.message !== error.message) logger.warn({ version: target.version, ...problem }, "the update does not go on");
    this.#problem = problem;
    this.#phase = error.retryable ? "waiting" : "refused";
    if (error.retryable) return;
    // It would fail in the same way again: the NOC has to want something else.
    this.#memory.settle({ phase: "refused", target, problem });
    if (error.code === "update.self-test") this.#memory.blacklist(target.version);
    disk.remove(`${slots.folder}/work`);
  }

  #settle(
    outcome: { readonly phase: UpdatePhase; readonly target: UpdateTarget; readonly problem?: UpdateStatus["problem"] } | undefined,
  ): void {
    if (outcome === undefined) return;
    this.#phase = outcome.phase;
    this.#problem = outcome.problem;
    this.#memory.settle(outcome);
    this.#parts.disk.remove(`${this.#parts.slots.folder}/work`);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    await Promise.race([this.#news.promise, this.#parts.clock.sleep(ms, stop).catch(() => undefined)]);
    over.abort();
  }

  async #end(signal: AbortSignal): Promise<void> {
    this.#parts.restart();
    await untilAborted(signal);
  }
}

function refused(message: string): GatewayError {
  return new GatewayError("update.refused", { message });
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
