import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { TargetsRole } from "../../protocol/release/metadata.ts";
import type { NocAuthority } from "../authority/noc-authority.ts";
import { ReleaseRepository } from "./repository.ts";
import { decide, type GatewayProgress, type RolloutDecision, type RolloutPlan } from "./rollout.ts";
import { invalid, keyOf, type NewRollout, type RolloutMember, type RolloutView, sharesOf } from "./rollout-order.ts";

interface Stored {
  readonly plan: RolloutPlan;
  readonly members: Readonly<Record<string, RolloutMember>>;
  readonly by: string;
  readonly beganAtMs: number;
  readonly state: RolloutDecision["state"];
  readonly reason?: string;
  /** Who holds it; no further gateway is ordered to take the version meanwhile. */
  readonly pausedBy?: string;
  readonly endedAtMs?: number;
  /** First seen confirmed, Unix ms, by member. */
  readonly confirmed: Readonly<Record<string, number>>;
  /** Members whose desired state names the version. */
  readonly released: readonly string[];
}

export interface RolloutsParts {
  readonly authority: NocAuthority;
  /** Folder of the repository: only what is published there can be rolled out. */
  readonly releases: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const tickMs = 1_000;
const maxGateways = 100_000;
const keptRollouts = 50;
/** The document that names the version; one of a gateway. */
const documentId = "firmware";

/** Brings versions to gateways in waves: orders by desired state, judges by what the gateways report, stops by itself and says why. */
export class Rollouts implements Unit {
  readonly name = "rollouts";
  readonly #parts: RolloutsParts;

  constructor(parts: RolloutsParts) {
    this.#parts = parts;
  }

  /** @throws GatewayError noc.invalid */
  begin(order: NewRollout, by: string): RolloutView {
    const { authority, clock } = this.#parts;
    const { version, gateways, soakMs, haltAfter } = order;
    this.#mustBePublished(version);
    const running = this.#stored().find(({ body }) => body.state === "running");
    if (running !== undefined)
      throw invalid(`the rollout of ${running.body.plan.version} is under way; halt it first: gatehouse noc release rollout --halt`);
    if (gateways.length === 0 || gateways.length > maxGateways) throw invalid(`a rollout needs 1 to ${maxGateways} gateways`);
    const members = Object.fromEntries(gateways.map((one) => [keyOf(one), { tenant: one.tenant, gateway: one.gateway }]));
    const names = Object.keys(members);
    const plan: RolloutPlan = {
      version,
      gateways: names,
      waves: sharesOf(order.waves, names.length),
      ...(haltAfter === undefined ? {} : { maxFailures: haltAfter }),
      soakMs,
    };
    const beganAtMs = Math.round(clock.now().wallMs);
    const body: Stored = { plan, members, by, beganAtMs, state: "running", confirmed: {}, released: [] };
    const id = authority.store.putRollout(JSON.stringify(body));
    this.#audit(by, `rollout ${version}`, { gateways: names.length, waves: order.waves.join(",") });
    return this.#view(id, this.#step(id, body));
  }

  /** Stops one that is under way. @throws GatewayError noc.invalid */
  halt(by: string): RolloutView {
    const running = this.#stored().find(({ body }) => body.state === "running");
    if (running === undefined) throw invalid("no rollout is under way");
    this.#audit(by, `rollout ${running.body.plan.version} halted`, {});
    return this.#view(running.id, this.#halted(running.id, running.body, `halted by ${by}`));
  }

  /** Holds the one under way, or lets it go on: who has the order keeps it. @throws GatewayError noc.invalid */
  pause(isPaused: boolean, by: string): RolloutView {
    const running = this.#stored().find(({ body }) => body.state === "running");
    if (running === undefined) throw invalid("no rollout is under way");
    const { pausedBy: _before, ...body } = running.body;
    this.#audit(by, `rollout ${body.plan.version} ${isPaused ? "paused" : "resumed"}`, {});
    const next = isPaused ? { ...body, pausedBy: by } : body;
    this.#parts.authority.store.putRollout(JSON.stringify(next), running.id);
    return this.#view(running.id, next);
  }

  /** The newest first, and only that one gateway by gateway. */
  list(): readonly RolloutView[] {
    return this.#stored().map(({ id, body }, index) => {
      const view = this.#view(id, body);
      return index === 0 ? view : { ...view, gateways: [] };
    });
  }

  /** undefined = not remembered any more. */
  one(id: number): RolloutView | undefined {
    const found = this.#stored().find((stored) => stored.id === id);
    return found === undefined ? undefined : this.#view(id, found.body);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(tickMs, signal);
      for (const { id, body } of this.#stored()) if (body.state === "running") this.#step(id, body);
    }
  }

  /** Judges, orders what is due, remembers. Each step can be repeated: an order that is there already changes nothing. */
  #step(id: number, before: Stored): Stored {
    const { authority, clock, logger } = this.#parts;
    const nowMs = Math.round(clock.now().wallMs);
    const progress = this.#progress(before, nowMs);
    const decision = decide(before.plan, progress, nowMs);
    const seen = progress.flatMap(({ gateway, confirmedAtMs }) => (confirmedAtMs === undefined ? [] : [[gateway, confirmedAtMs] as const]));
    const body: Stored = { ...before, confirmed: Object.fromEntries(seen) };
    if (decision.state === "halted") return this.#halted(id, body, this.#whyFailed(body, decision));
    const released = new Set(before.released);
    for (const name of body.pausedBy === undefined ? decision.wanted : []) {
      const member = body.members[name];
      if (member === undefined || released.has(name)) continue;
      try {
        const content = { version: body.plan.version };
        authority.change(member.tenant, member.gateway, [{ kind: "firmware", id: documentId, content }], body.by);
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        return this.#halted(id, body, `${name} cannot be ordered: ${error.message}`);
      }
      released.add(name);
    }
    const isDone = decision.state === "done";
    if (isDone) logger.info({ version: body.plan.version }, "a rollout is done");
    const next: Stored = { ...body, released: [...released], state: decision.state, ...(isDone ? { endedAtMs: nowMs } : {}) };
    if (JSON.stringify(next) !== JSON.stringify(before)) authority.store.putRollout(JSON.stringify(next), id);
    return next;
  }

  /** Nothing goes on: who has not taken the version yet is not to have it any more. */
  #halted(id: number, before: Stored, reason: string): Stored {
    const { authority, clock, logger } = this.#parts;
    const nowMs = Math.round(clock.now().wallMs);
    const body: Stored = { ...before, state: "halted", reason, endedAtMs: nowMs };
    authority.store.putRollout(JSON.stringify(body), id);
    logger.warn({ version: body.plan.version, reason }, "a rollout has halted");
    this.#audit("noc", `rollout ${body.plan.version} stopped`, { reason });
    for (const name of body.released) {
      const member = body.members[name];
      if (member === undefined || body.confirmed[name] !== undefined) continue;
      try {
        authority.change(member.tenant, member.gateway, [{ kind: "firmware", id: documentId, content: null }], "noc");
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        logger.warn({ gateway: name, code: error.code }, "the version cannot be withdrawn from a gateway");
      }
    }
    return body;
  }

  #progress(body: Stored, nowMs: number): readonly GatewayProgress[] {
    return Object.entries(body.members).map(([gateway, member]) => {
      const site = this.#parts.authority.sites.get(member.tenant, member.gateway);
      const known = body.confirmed[gateway];
      const state = this.#stateOf(body, gateway, member);
      const isConfirmed = known !== undefined || state.phase === "confirmed";
      return {
        gateway,
        version: isConfirmed ? body.plan.version : "",
        isConnected: site?.online === true,
        phase: state.phase,
        ...(isConfirmed ? { confirmedAtMs: known ?? nowMs } : {}),
      };
    });
  }

  /** What a gateway says of this version; its retained report tells it also while it is off. */
  #stateOf(body: Stored, name: string, { tenant, gateway }: RolloutMember): { readonly phase: string; readonly detail: string } {
    const { authority } = this.#parts;
    const site = authority.sites.get(tenant, gateway);
    const reported = site?.reported;
    const { version } = body.plan;
    const { fw, agent } = reported ?? {};
    if (fw?.version === version && (fw.st === "rolled-back" || fw.st === "refused")) return { phase: fw.st, detail: fw.msg ?? "" };
    // The process that says so is the new one: before the switch its agent is the old version. What became of another version is another matter.
    const isOther = fw?.version !== undefined && fw.version !== version;
    if (agent === version && (fw === undefined || isOther || fw.st === "confirmed" || fw.st === "idle"))
      return { phase: "confirmed", detail: "" };
    if (fw?.version === version) return { phase: fw.st, detail: fw.msg ?? "" };
    if (!body.released.includes(name)) return { phase: "", detail: "" };
    const view = authority.view(tenant, gateway);
    const { error, state } = view.documents.find(({ id }) => id === documentId) ?? { error: undefined, state: "pending" };
    const isRefused = state === "failed" || state === "unsupported";
    const isLost = view.reported?.gen === view.gen && (view.reported.phase === "failed" || view.reported.phase === "rolled_back");
    if (!isRefused && !isLost) return { phase: "ordered", detail: "" };
    const unsupported = state === "unsupported" ? "takes no updates: update.url is not set there" : undefined;
    return { phase: "refused", detail: unsupported ?? error?.msg ?? view.reported?.reason ?? "it refused the order" };
  }

  #whyFailed(body: Stored, { wave, failed }: RolloutDecision): string {
    const said = failed.slice(0, 5).map((name) => {
      const member = body.members[name];
      const { phase, detail } = member === undefined ? { phase: "", detail: "" } : this.#stateOf(body, name, member);
      return `${name} ${phase}${detail === "" ? "" : `: ${detail}`}`;
    });
    return `wave ${wave + 1}: ${failed.length} failed; ${said.join("; ")}`.slice(0, 1_000);
  }

  #view(id: number, body: Stored): RolloutView {
    const { plan, by, beganAtMs, endedAtMs } = body;
    const decision = decide(plan, this.#progress(body, beganAtMs), Math.round(this.#parts.clock.now().wallMs));
    const gateways = Object.entries(body.members).map(([name, member]) => {
      const { phase, detail } = this.#stateOf(body, name, member);
      const isOff = this.#parts.authority.sites.get(member.tenant, member.gateway)?.online !== true;
      const state = body.confirmed[name] !== undefined ? "confirmed" : phase === "" ? "not yet" : phase;
      return { ...member, state, detail: detail === "" && isOff && state !== "confirmed" ? "is off; gets it when it returns" : detail };
    });
    const waits = decision.absent.length === 0 ? "" : `waits for ${decision.absent.slice(0, 5).join(", ")}`;
    const isPaused = body.state === "running" && body.pausedBy !== undefined;
    const counts: Record<string, number> = {};
    for (const { state } of gateways) counts[state] = (counts[state] ?? 0) + 1;
    const held = isPaused ? `held by ${body.pausedBy}` : "";
    const reason = body.reason ?? (body.state === "running" ? [held, waits].filter((one) => one !== "").join("; ") : "");
    return {
      ...{ id, version: plan.version, state: isPaused ? "paused" : body.state, reason, counts },
      ...{ by, beganAtMs, waves: plan.waves.map((share) => Math.ceil(share * plan.gateways.length - 1e-6)) },
      ...(endedAtMs === undefined ? {} : { endedAtMs }),
      wave: Math.min(decision.wave + 1, plan.waves.length),
      gateways,
    };
  }

  #stored(): readonly { readonly id: number; readonly body: Stored }[] {
    // Only this class writes them.
    return this.#parts.authority.store.rollouts(keptRollouts).map(({ id, body }) => ({ id, body: JSON.parse(body) as Stored }));
  }

  #mustBePublished(version: string): void {
    const targets = new ReleaseRepository(this.#parts.releases).read<TargetsRole>("targets")?.signed.targets ?? {};
    const isThere = Object.values(targets).some(({ custom }) => custom?.version === version);
    if (!isThere) throw invalid(`${version.slice(0, 64)} is not published: gatehouse noc release publish`);
  }

  #audit(actor: string, action: string, detail: Readonly<Record<string, unknown>>): void {
    const atMs = Math.round(this.#parts.clock.now().wallMs);
    this.#parts.authority.store.audit({ atMs, actor, action, gateway: "", detail: JSON.stringify(detail).slice(0, 4_096) });
  }
}
