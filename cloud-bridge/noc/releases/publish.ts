import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { GatewayError } from "#model/errors.ts";
import { makeDelta } from "../../protocol/release/delta.ts";
import type { TargetCustom, TargetsRole } from "../../protocol/release/metadata.ts";
import { durablyWritten, type KeyFiles, type ReleaseRepository } from "./repository.ts";

/** A program of one version for one kind of hardware. */
export interface Publication {
  readonly version: string;
  /** `linux-arm64`, `linux-x64`. */
  readonly hardware: string;
  readonly program: string;
  /** Earlier programs from which gateways may come by a delta. */
  readonly bases?: readonly string[];
  /** Oldest version that may be installed from now on. */
  readonly floor?: string;
  /** zstd's level for the full file, 1 to 19; default 19. */
  readonly level?: number;
}

export interface Published {
  readonly fullBytes: number;
  readonly deltaBytes: readonly number[];
}

/** Window of 8 MiB: what a gateway needs to unpack. Level 19 costs a minute here and saves a tenth on every line. */
const fullParams = (level: number) => ({ [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: 23 });
/** A delta that is no smaller than this share of the full file is not worth its own. */
const worthwhile = 0.5;

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Adds a release to the repository and signs it. @throws GatewayError noc.invalid | config.secret */
export function publish(repository: ReleaseRepository, one: Publication, keys: KeyFiles, nowMs: number): Published {
  const before = repository.read<TargetsRole>("targets");
  if (before === undefined)
    throw new GatewayError("noc.invalid", { message: "the repository has no keys yet: gatehouse noc release init" });
  if (!/^\d{1,6}(\.\d{1,6}){2}(-[0-9a-z.-]{1,40})?$/.test(one.version))
    throw new GatewayError("noc.invalid", { message: `${one.version} is not a version like 1.4.0` });
  if (!/^linux-(x64|arm64)$/.test(one.hardware))
    throw new GatewayError("noc.invalid", { message: `${one.hardware} is neither linux-x64 nor linux-arm64` });
  const program = readFileSync(one.program);
  const prefix = `${one.version}/${one.hardware}`;
  const targets: Record<string, TargetsRole["targets"][string]> = { ...before.signed.targets };
  if (targets[`${prefix}.zst`] !== undefined)
    throw new GatewayError("noc.invalid", { message: `${one.version} for ${one.hardware} is published already; a version never changes` });
  const add = (name: string, bytes: Uint8Array, format: TargetCustom["format"], base?: string) => {
    const custom: TargetCustom = {
      product: "gatehouse",
      version: one.version,
      hardware: one.hardware,
      format,
      ...(base === undefined ? {} : { base }),
      program: { sha256: sha256(program), length: program.length },
    };
    durablyWritten(join(repository.folder, "targets", name), bytes);
    targets[name] = { length: bytes.length, hashes: { sha256: sha256(bytes) }, custom };
  };
  const full = zstdCompressSync(program, { params: fullParams(one.level ?? 19) });
  add(`${prefix}.zst`, full, "zstd");
  const deltaBytes: number[] = [];
  for (const file of one.bases ?? []) {
    const base = readFileSync(file);
    const delta = makeDelta(base, program);
    if (delta.length > full.length * worthwhile) continue;
    add(`${prefix}-from-${sha256(base).slice(0, 16)}.delta`, delta, "delta", sha256(base));
    deltaBytes.push(delta.length);
  }
  const floor = one.floor ?? before.signed["x-gatehouse-floor"];
  const next: TargetsRole = { ...before.signed, targets, ...(floor === undefined ? {} : { "x-gatehouse-floor": floor }) };
  repository.publish(next, keys, nowMs);
  return { fullBytes: full.length, deltaBytes };
}
