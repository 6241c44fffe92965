import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { RoleName, SnapshotRole, TimestampRole } from "../../protocol/release/metadata.ts";
import { roleNames } from "../../protocol/release/metadata.ts";
import type { KeyFiles, ReleaseRepository } from "./repository.ts";

export interface ReleaseRenewalParts {
  readonly repository: ReleaseRepository;
  /** Files of the two keys that may lie on a machine that is on the network. */
  readonly keys: Pick<KeyFiles, "snapshot" | "timestamp">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Until when the signatures of each role hold, Unix ms; absent = there is no repository yet. */
export type ReleaseExpiry = Readonly<Partial<Record<RoleName, number>>>;

const dayMs = 86_400_000;
const lookMs = 60_000;
/** Less than this left: signed anew. A timestamp holds three days, so that two days of a NOC that is off freeze nobody's updates. */
const renewBelowMs: Readonly<Record<"snapshot" | "timestamp", number>> = { timestamp: 2 * dayMs, snapshot: 10 * dayMs };
/** People sign these, with keys that are not here: told this long before. */
const warnBelowMs = 30 * dayMs;

/**
 * Signs snapshot and timestamp of a repository anew before they expire: gateways take silence for somebody who holds releases back, and update no
 * more. Also when a publication in another process met this one half-way: the chain from timestamp to targets is looked at, too.
 */
export class ReleaseRenewal implements Unit {
  readonly name = "release-renewal";
  readonly #parts: ReleaseRenewalParts;
  #problem = "";
  #wasBroken = false;

  constructor(parts: ReleaseRenewalParts) {
    this.#parts = parts;
  }

  /** Why nothing is signed anew, in words; empty = all is well. */
  get problem(): string {
    return this.#problem;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.look();
      await this.#parts.clock.sleep(lookMs, signal);
    }
  }

  /** @returns whether it signed */
  look(): boolean {
    const { repository, keys, clock, logger } = this.#parts;
    try {
      const nowMs = clock.now().wallMs;
      const expiry = expiryOf(repository);
      // None there yet, or it is being made.
      if (roleNames.some((name) => expiry[name] === undefined)) return this.#say("");
      const late = (["root", "targets"] as const).filter((name) => (expiry[name] ?? 0) - nowMs < warnBelowMs);
      // A publication under way is no broken chain: it is whole at the next look.
      const isBroken = !isWhole(repository);
      const isDue =
        (isBroken && this.#wasBroken) ||
        (["timestamp", "snapshot"] as const).some((name) => (expiry[name] ?? 0) - nowMs < renewBelowMs[name]);
      this.#wasBroken = isBroken;
      if (isDue) {
        repository.renew(keys, nowMs);
        logger.info({ timestampUntil: new Date(expiryOf(repository).timestamp ?? 0).toISOString() }, "release metadata signed anew");
      }
      const until = late.map((name) => `${name} expires at ${new Date(expiry[name] ?? 0).toISOString()}`).join(", ");
      this.#say(until === "" ? "" : `${until}: sign it anew with its keys, or gateways stop updating`);
      return isDue;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return this.#say(error.message);
    }
  }

  #say(problem: string): false {
    if (problem !== "" && problem !== this.#problem)
      this.#parts.logger.error({ problem }, "the release metadata is not renewed as it must be");
    this.#problem = problem;
    return false;
  }
}

/** @throws GatewayError when a file of the repository is not what it should be */
export function expiryOf(repository: ReleaseRepository): ReleaseExpiry {
  const found = roleNames.flatMap((name) => {
    const expires = repository.read(name)?.signed.expires;
    return expires === undefined ? [] : [[name, Date.parse(expires)] as const];
  });
  return Object.fromEntries(found);
}

/** Whether the newest timestamp names the newest snapshot, and that the newest targets. */
function isWhole(repository: ReleaseRepository): boolean {
  const named = {
    snapshot: repository.read<TimestampRole>("timestamp")?.signed.meta["snapshot.json"],
    targets: repository.read<SnapshotRole>("snapshot")?.signed.meta["targets.json"],
  };
  return (["snapshot", "targets"] as const).every((name) => {
    const is = repository.metaOf(name);
    return named[name]?.version === is.version && named[name]?.hashes.sha256 === is.hashes.sha256;
  });
}
