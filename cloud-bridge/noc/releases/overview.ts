import type { TargetsRole } from "../../protocol/release/metadata.ts";
import { expiryOf, type ReleaseExpiry } from "./renewal.ts";
import type { ReleaseRepository } from "./repository.ts";

/** One version as people choose it. */
export interface ReleaseView {
  readonly version: string;
  readonly hardware: readonly {
    readonly id: string;
    /** Bytes of the packed program. */
    readonly fullBytes: number;
    /** Bytes of each delta from an earlier program. */
    readonly deltaBytes: readonly number[];
  }[];
}

export interface ReleasesView {
  /** The newest first. */
  readonly releases: readonly ReleaseView[];
  /** Oldest version that may be installed. */
  readonly floor: string | null;
  readonly expiry: ReleaseExpiry;
}

const maxReleases = 200;

/** What is published in a repository; nothing yet = nothing. @throws GatewayError when a file of it is not what it should be */
export function releasesOf(repository: ReleaseRepository): ReleasesView {
  const targets = repository.read<TargetsRole>("targets")?.signed;
  const found = new Map<string, Map<string, { fullBytes: number; deltaBytes: number[] }>>();
  for (const { length, custom } of Object.values(targets?.targets ?? {})) {
    const hardware = found.get(custom.version) ?? new Map<string, { fullBytes: number; deltaBytes: number[] }>();
    found.set(custom.version, hardware);
    const one = hardware.get(custom.hardware) ?? { fullBytes: 0, deltaBytes: [] };
    hardware.set(custom.hardware, one);
    if (custom.format === "delta") one.deltaBytes.push(length);
    else one.fullBytes = length;
  }
  const releases = [...found]
    .sort(([a], [b]) => b.localeCompare(a, "en", { numeric: true }))
    .slice(0, maxReleases)
    .map(([version, hardware]) => ({
      version,
      hardware: [...hardware].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, sizes]) => ({ id, ...sizes })),
    }));
  return { releases, floor: targets?.["x-gatehouse-floor"] ?? null, expiry: expiryOf(repository) };
}
