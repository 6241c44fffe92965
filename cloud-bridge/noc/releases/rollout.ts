/** How a version reaches many gateways: in waves, each only when the one before went well. Pure: state in, decisions out. */
export interface RolloutPlan {
  readonly version: string;
  /** Gateways in the order they get it. */
  readonly gateways: readonly string[];
  /** Share of the gateways that have it at the end of each wave, ascending to 1: [0.01, 0.1, 0.5, 1]. */
  readonly waves: readonly number[];
  /** Failures (rolled back, refused) of a wave at which everything stops. Default 1 for waves of up to 20, else 5 %. */
  readonly maxFailures?: number;
  /** How long a wave is watched after its last gateway confirmed, ms. */
  readonly soakMs: number;
}

/** What the NOC knows of one gateway. */
export interface GatewayProgress {
  readonly gateway: string;
  readonly version: string;
  readonly isConnected: boolean;
  /** Of the update to the plan's version, if the gateway said something of it. */
  readonly phase?: string;
  /** Wall clock at which it was first seen confirmed with the plan's version, ms. */
  readonly confirmedAtMs?: number;
}

export interface RolloutDecision {
  readonly state: "running" | "halted" | "done";
  /** Index of the wave that is under way. */
  readonly wave: number;
  /** Gateways that are to have the version; a gateway that is off gets it when it returns. */
  readonly wanted: readonly string[];
  readonly confirmed: readonly string[];
  readonly failed: readonly string[];
  /** In the wave but not connected: waited for, but the next waves go on without them. */
  readonly absent: readonly string[];
}

/** A share that was made of a count (3 of 49) is that count again. */
const rounding = 1e-6;

/** Where a rollout stands. Once halted it stays so until a person starts another. */
export function decide(plan: RolloutPlan, progress: readonly GatewayProgress[], nowMs: number): RolloutDecision {
  const known = new Map(progress.map((one) => [one.gateway, one]));
  const confirmed: string[] = [];
  const failed: string[] = [];
  const absent: string[] = [];
  let begun = 0;
  for (const [wave, share] of plan.waves.entries()) {
    const end =
      wave === plan.waves.length - 1 ? plan.gateways.length : Math.max(begun + 1, Math.ceil(share * plan.gateways.length - rounding));
    const members = plan.gateways.slice(begun, end);
    const states = members.map((gateway) => stateOf(plan, known.get(gateway)));
    for (const [index, gateway] of members.entries()) {
      const state = states[index];
      if (state === "confirmed") confirmed.push(gateway);
      else if (state === "failed") failed.push(gateway);
      else if (state === "absent") absent.push(gateway);
    }
    begun = Math.min(end, plan.gateways.length);
    const base = { wave, wanted: plan.gateways.slice(0, begun), confirmed, failed, absent };
    if (states.filter((state) => state === "failed").length >= limitOf(plan, members.length)) return { state: "halted", ...base };
    const isSettled = !states.includes("under way") && states.includes("confirmed");
    const lastMs = Math.max(...members.map((gateway) => known.get(gateway)?.confirmedAtMs ?? 0));
    if (!isSettled || nowMs - lastMs < plan.soakMs) return { state: "running", ...base };
    if (begun === plan.gateways.length) return { state: absent.length === 0 ? "done" : "running", ...base };
  }
  return { state: "done", wave: plan.waves.length, wanted: plan.gateways, confirmed, failed, absent };
}

function limitOf(plan: RolloutPlan, members: number): number {
  return plan.maxFailures ?? (members <= 20 ? 1 : Math.ceil(members * 0.05));
}

function stateOf(plan: RolloutPlan, one: GatewayProgress | undefined): "confirmed" | "failed" | "absent" | "under way" {
  if (one?.version === plan.version && one.confirmedAtMs !== undefined) return "confirmed";
  if (one?.phase === "rolled-back" || one?.phase === "refused") return "failed";
  return one?.isConnected === true ? "under way" : "absent";
}
