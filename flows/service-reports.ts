import type { Event, PerceivedSeverity } from "#model/observation.ts";
import type { FlowGround } from "#ports/flow-ground.ts";
import type { CompiledUnit } from "./compile/unit.ts";
import type { CommittedUnit } from "./unit-store.ts";

const maxWaiting = 200;

/** What the NOC is told of services as events: outcomes with reason and timing, and their usage for billing. */
export class ServiceReports {
  readonly #ground: Pick<FlowGround, "clock" | "intake" | "logger">;
  #waiting = 0;

  constructor(ground: Pick<FlowGround, "clock" | "intake" | "logger">) {
    this.#ground = ground;
  }

  healthy(unit: CompiledUnit, before: CommittedUnit | undefined, tookMs: number): void {
    const text = before === undefined ? "is active and healthy" : "was updated and is healthy";
    this.#say("service.healthy", unit.id, "indeterminate", `service ${unit.label} ${text}`, {
      source: unit.source,
      tookMs: Math.round(tookMs),
    });
    if (before === undefined) this.usage(unit, this.#ground.clock.now().wallMs, undefined, "activated");
    else if (before.unit.plan !== unit.plan || before.unit.source !== unit.source)
      this.usage(unit, before.activatedAtMs, undefined, "changed");
  }

  rolledBack(unit: CompiledUnit, reason: string, tookMs: number, hadVersion: boolean): void {
    const text = `service ${unit.label} was rolled back${hadVersion ? " to its previous version" : ""}: ${reason}`;
    this.#say("service.rolled-back", unit.id, "major", text, { source: unit.source, reason, tookMs: Math.round(tookMs) });
  }

  refused(document: string, reason: string, tookMs: number): void {
    this.#say("service.refused", document, "warning", `${document} was refused before anything was touched: ${reason}`, {
      reason,
      tookMs: Math.round(tookMs),
    });
  }

  quarantined(unit: string, label: string, reason: string): void {
    this.#say("service.quarantined", unit, "major", `${label} was switched off alone: ${reason}`, { reason });
  }

  deactivated(one: CommittedUnit): void {
    this.#say("service.deactivated", one.unit.id, "indeterminate", `service ${one.unit.label} was deactivated`, {
      source: one.unit.source,
    });
    this.usage(one.unit, one.activatedAtMs, this.#ground.clock.now().wallMs, "deactivated");
  }

  interrupted(ids: readonly string[]): void {
    for (const id of ids)
      this.#say("service.interrupted", id, "warning", `the deploy of ${id} was cut off by a restart; the last good set runs`, {});
  }

  local(text: string, attributes: Readonly<Record<string, unknown>>): void {
    this.#say("flows.local-changed", "local", "indeterminate", text, attributes);
  }

  unreadable(names: readonly string[]): void {
    const text = `what flows kept here does not open (${names.join(", ")}): it was sealed on another board, or its key is lost; technicians' tabs are to be drawn again`;
    this.#ground.logger.error({ names: names.join(", ") }, "what flows kept does not open");
    this.#say("flows.unreadable", "local", "major", text, { names });
  }

  host(type: string, severity: PerceivedSeverity, text: string, attributes: Readonly<Record<string, unknown>>): void {
    this.#say(type, "flow-host", severity, text, attributes);
  }

  /** Activated from/to and plan of one service: what the provider bills by. */
  usage(unit: CompiledUnit, fromMs: number, toMs: number | undefined, why: "activated" | "changed" | "deactivated" | "daily"): void {
    this.#say("service.usage", unit.id, "indeterminate", `service ${unit.label}: ${why}`, {
      source: unit.source,
      plan: unit.plan ?? "",
      fromMs,
      why,
      ...(toMs === undefined ? {} : { toMs }),
    });
  }

  /** An event that a flow asks for, or that says something of it. Never waits for the buffer; beyond its bound it is dropped and logged. */
  #say(type: string, service: string, severity: PerceivedSeverity, text: string, attributes: Readonly<Record<string, unknown>>): void {
    const event: Event = {
      kind: "event",
      type,
      source: "flow",
      severity,
      text: text.slice(0, 500),
      observedAt: this.#ground.clock.now(),
      attributes: { service, ...attributes },
    };
    this.offer(event);
  }

  offer(event: Event): void {
    if (this.#waiting >= maxWaiting) {
      this.#ground.logger.warn({ type: event.type }, "an event of the flows was dropped: the buffer does not take them");
      return;
    }
    this.#waiting += 1;
    this.#ground.intake
      .accept(event)
      .catch((error: unknown) => this.#ground.logger.warn({ reason: String(error) }, "an event of the flows was not kept"))
      .finally(() => {
        this.#waiting -= 1;
      });
  }
}
