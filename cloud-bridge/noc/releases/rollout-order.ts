import { createHash } from "node:crypto";
import { GatewayError } from "#model/errors.ts";
import type { RolloutDecision } from "./rollout.ts";

/** One gateway of a rollout. */
export interface RolloutMember {
  readonly tenant: string;
  readonly gateway: string;
}

export interface NewRollout {
  readonly version: string;
  /** In the order they get it. */
  readonly gateways: readonly RolloutMember[];
  /** Ends of the waves: a number of gateways (`1`) or a share of them (`10%`), ascending; what is missing to all is the last wave. */
  readonly waves: readonly string[];
  /** Failures of a wave at which everything stops; absent = 1, or 5 % of a wave of more than 20. */
  readonly haltAfter?: number;
  /** How long a wave is watched after its last gateway confirmed, ms. */
  readonly soakMs: number;
}

/** A rollout as people see it. */
export interface RolloutView {
  readonly id: number;
  readonly version: string;
  /** `paused` = who has the order goes on, nobody else gets it. */
  readonly state: RolloutDecision["state"] | "paused";
  /** Why it halted, or what it waits for. */
  readonly reason: string;
  readonly by: string;
  readonly beganAtMs: number;
  readonly endedAtMs?: number;
  readonly waves: readonly number[];
  /** Wave under way, from 1. */
  readonly wave: number;
  /** Gateways by state, all of them. */
  readonly counts: Readonly<Record<string, number>>;
  /** One by one in the order they get it; [] for rollouts before the newest, unless one is asked for. */
  readonly gateways: readonly { readonly gateway: string; readonly tenant: string; readonly state: string; readonly detail: string }[];
}

/** Gateways in an order that differs from version to version, so that it is not always the same site that goes first. */
export function orderOf(version: string, members: readonly RolloutMember[]): readonly RolloutMember[] {
  const rank = (one: RolloutMember) =>
    createHash("sha256")
      .update(`${version}/${keyOf(one)}`)
      .digest("hex");
  return [...members].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** @throws GatewayError noc.invalid */
export function sharesOf(waves: readonly string[], gateways: number): readonly number[] {
  const ends = waves.map((word) => {
    const match = /^(\d{1,6})(%?)$/.exec(word.trim());
    const value = Number(match?.[1]);
    if (match === null || value < 1 || (match[2] === "%" && value > 100))
      throw invalid(`a wave is like 5 or 10%, not ${word.slice(0, 20)}`);
    return Math.min(gateways, match[2] === "%" ? Math.ceil((value / 100) * gateways - 1e-6) : value);
  });
  const all = [...new Set([...ends, gateways])];
  if (all.some((end, index) => end < (all[index - 1] ?? 0))) throw invalid("waves have to ascend");
  return all.map((end) => end / gateways);
}

export function keyOf({ tenant, gateway }: RolloutMember): string {
  return `${tenant}/${gateway}`;
}

export function invalid(message: string): GatewayError {
  return new GatewayError("noc.invalid", { message });
}
