import { checkTypes } from "#model/check.ts";
import { type EquipmentId, isEquipmentId } from "#model/equipment.ts";
import { isGatewayError } from "#model/errors.ts";
import type { PerceivedSeverity } from "#model/observation.ts";
import type { FlowGround } from "#ports/flow-ground.ts";
import { Arguments } from "./arguments.ts";
import type { Capability, CompiledUnit } from "./compile/unit.ts";
import { httpOrder } from "./http-order.ts";
import { OrderRefused } from "./order-refused.ts";
import { OrderRates } from "./rate.ts";
import type { ServiceMetrics } from "./service-metrics.ts";
import { Turns } from "./turns.ts";

const severities = ["warning", "minor", "major", "critical", "indeterminate"] as const satisfies readonly PerceivedSeverity[];
/** Of orders that wait for somebody else. Runs of checks: the check desk makes no more at once than this. */
const turns = { total: 50, perService: 10, waiting: 1_000, waitingPerService: 100, waitMs: 60_000 };
const probeTurns = { ...turns, total: 16, perService: 4 };
/** The packets of all checks are rated: a run waits for its share. */
const packetsWaitMs = 30_000;
const packetsLookMs = 250;
const alarmTypePattern = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;
const oidPattern = /^[0-2](\.\d{1,10}){1,127}$/;
const snmpTypes = ["integer", "octet-string", "oid", "ip-address", "gauge32", "counter32", "timeticks"] as const;

interface Operation {
  readonly capability?: Capability;
  /** Orders per minute where the service says nothing. */
  readonly perMin: number;
  /** It waits for somebody else; absent = done at once. */
  readonly turns?: "probe" | "other";
  cost?(args: Arguments): number;
  run(service: Asking, args: Arguments, signal: AbortSignal): Promise<unknown> | unknown;
}

/** Who asks: a unit of the NOC, or a technician's tab. */
interface Asking {
  readonly id: string;
  readonly unit: CompiledUnit | undefined;
}

export interface OrderParts {
  readonly ground: FlowGround;
  readonly metrics: ServiceMetrics;
  readonly unit: (id: string) => CompiledUnit | undefined;
  readonly localCapabilities: readonly Capability[];
  /** A unit did something: its first report may be what a deploy waits for. */
  readonly onReport: (service: string, what: string) => void;
}

/** The only things a flow can ask of the gateway: a fixed list, checked, rated and attributed. Nothing here is awaited by telemetry. */
export class Orders {
  readonly #parts: OrderParts;
  readonly #rates: OrderRates;
  readonly #operations: Readonly<Record<string, Operation>>;
  readonly #turns: Turns;
  readonly #probeTurns: Turns;
  #refused = 0;

  constructor(parts: OrderParts) {
    this.#parts = parts;
    this.#rates = new OrderRates(parts.ground.clock);
    this.#turns = new Turns(parts.ground.clock, turns);
    this.#probeTurns = new Turns(parts.ground.clock, probeTurns);
    this.#operations = {
      "metric.put": { perMin: 600, cost: (args) => args.list("values", 100).length, run: (asking, args) => this.#putMetrics(asking, args) },
      "alarm.set": { perMin: 60, run: (asking, args) => this.#alarm(asking, args, true) },
      "alarm.clear": { perMin: 600, run: (asking, args) => this.#alarm(asking, args, false) },
      "snmp.get": {
        capability: "snmp.get",
        turns: "other",
        perMin: 120,
        run: (asking, args, signal) => this.#snmpGet(asking, args, signal),
      },
      "snmp.set": { capability: "snmp.set", turns: "other", perMin: 6, run: (asking, args, signal) => this.#snmpSet(asking, args, signal) },
      probe: { capability: "probe", turns: "probe", perMin: 60, run: (asking, args, signal) => this.#probe(asking, args, signal) },
      notify: { capability: "notify", perMin: 10, run: (asking, args) => this.#notify(asking, args) },
      http: { capability: "http", turns: "other", perMin: 60, run: (asking, args, signal) => this.#http(asking, args, signal) },
    };
  }

  /** Refused and failed since the start. */
  get refused(): Readonly<Record<string, number>> {
    return { ...this.#rates.refused(), ordersRefused: this.#refused, seriesRefused: this.#parts.metrics.refused };
  }

  /** Orders of a service that wait for their turn or for an answer. */
  open(service: string): number {
    return this.#turns.open(service) + this.#probeTurns.open(service);
  }

  #turnsOf(kind: "probe" | "other"): Turns {
    return kind === "probe" ? this.#probeTurns : this.#turns;
  }

  /** @throws OrderRefused */
  async carryOut(service: string, operation: string, fields: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown> {
    try {
      const asking = this.#who(service);
      const found = Object.hasOwn(this.#operations, operation) ? this.#operations[operation] : undefined;
      if (found === undefined) throw new OrderRefused("E_OPERATION", "there is no such operation");
      const args = new Arguments(fields);
      this.#allow(asking, operation, found, args);
      // Metrics, alarms and notices are done at once; only what waits for somebody takes turns.
      if (found.turns === undefined) return await found.run(asking, args, signal);
      const end = await this.#turnsOf(found.turns).take(asking.id, signal);
      try {
        return await found.run(asking, args, signal);
      } finally {
        end();
      }
    } catch (error) {
      this.#refused += 1;
      if (error instanceof OrderRefused) throw error;
      // The border to equipment and checks: the flow is told code and sentence.
      if (isGatewayError(error)) throw new OrderRefused(error.code, error.message);
      throw error;
    }
  }

  /** A service is gone: what it raised ends with it. */
  clearAlarms(service: string): void {
    const { alarms } = this.#parts.ground;
    for (const alarm of alarms.active()) if (alarm.attributes["service"] === service) alarms.clear(alarm, "the service was deactivated");
  }

  #who(service: string): Asking {
    if (service.startsWith("local/")) return { id: "local", unit: undefined };
    const unit = this.#parts.unit(service);
    if (unit === undefined) throw new OrderRefused("E_SERVICE", "there is no such service");
    return { id: unit.id, unit };
  }

  #allow({ id, unit }: Asking, operation: string, { capability, perMin, cost }: Operation, args: Arguments): void {
    const capabilities = unit?.capabilities ?? this.#parts.localCapabilities;
    if (capability !== undefined && !capabilities.includes(capability))
      throw new OrderRefused("E_CAPABILITY", `this needs the capability ${capability}, which ${id} does not have`);
    const limits = unit?.limits.opsPerMin ?? {};
    const limit = limits[operation] ?? limits[operation.split(".")[0] ?? ""] ?? perMin;
    if (!this.#rates.admit(id, operation, limit, cost?.(args) ?? 1)) throw new OrderRefused("E_RATE", `more than ${limit} a minute`);
  }

  #putMetrics({ id }: Asking, args: Arguments): void {
    for (const entry of args.list("values", 100)) {
      const one = new Arguments(typeof entry === "object" && entry !== null ? (entry as Readonly<Record<string, unknown>>) : {});
      const value = one.raw("value");
      if (typeof value !== "number" || !Number.isFinite(value)) throw new OrderRefused("E_ARGUMENT", "value must be a number");
      const put = {
        metric: one.text("metric", { max: 64 }),
        unit: one.text("unit", { max: 16, standard: "" }),
        row: one.text("row", { max: 128, standard: "" }),
        equipment: this.#knownEquipment(one.text("equipment", { max: 63, standard: "" })) ?? "",
        value,
      };
      const why = this.#parts.metrics.put(id, put);
      if (why !== undefined) throw new OrderRefused("E_LIMIT", why);
      this.#parts.onReport(id, `metric/${put.metric}`);
    }
  }

  #alarm({ id }: Asking, args: Arguments, raise: boolean): void {
    const qualifier = args.text("qualifier", { max: 60, standard: "" });
    const equipment = this.#knownEquipment(args.text("equipment", { max: 63, standard: "" }));
    const identity = {
      type: args.text("type", { max: 64, pattern: alarmTypePattern }),
      path: args.text("path", { max: 256, standard: "" }),
      qualifier: qualifier === "" ? id : `${id}/${qualifier}`,
      ...(equipment === undefined ? {} : { equipment }),
    };
    const cause = args.text("cause", { max: 64, standard: "" });
    const repair = args.text("repair", { max: 512, standard: "" });
    this.#parts.onReport(id, "alarm");
    if (!raise) {
      this.#parts.ground.alarms.clear(identity);
      return;
    }
    this.#parts.ground.alarms.set({
      ...identity,
      severity: args.oneOf("severity", severities, "major"),
      text: args.text("text", { max: 1_000, standard: "" }) || identity.type,
      ...(cause === "" ? {} : { cause }),
      ...(repair === "" ? {} : { repair }),
      source: { kind: "flow", ref: `service:${id}` },
      attributes: { service: id },
    });
  }

  /** @throws OrderRefused for what is not configured: a flow cannot invent equipment */
  #knownEquipment(id: string): EquipmentId | undefined {
    if (id === "") return undefined;
    if (!isEquipmentId(id) || !this.#parts.ground.equipment().some((one) => one.id === id))
      throw new OrderRefused("E_UNKNOWN_EQUIPMENT", `there is no equipment "${id}"`);
    return id;
  }

  #snmpGet({ id }: Asking, args: Arguments, signal: AbortSignal): Promise<unknown> {
    const oids = args.list("oids", 64).map((oid) => {
      if (typeof oid !== "string" || !oidPattern.test(oid)) throw new OrderRefused("E_ARGUMENT", `not an OID: ${String(oid).slice(0, 60)}`);
      return oid;
    });
    if (oids.length === 0) throw new OrderRefused("E_ARGUMENT", "no OIDs");
    const timeoutMs = args.number("timeoutMs", { min: 250, max: 30_000, standard: 5_000 });
    return this.#operate(id, "snmp.get", this.#needEquipment(args), { oids, timeoutMs }, signal);
  }

  #snmpSet({ id }: Asking, args: Arguments, signal: AbortSignal): Promise<unknown> {
    const oid = args.text("oid", { max: 512, pattern: oidPattern });
    const type = args.oneOf("type", snmpTypes, "integer");
    const value = args.raw("value");
    if (typeof value !== "string" && typeof value !== "number") throw new OrderRefused("E_ARGUMENT", "value must be a number or text");
    return this.#operate(id, "snmp.set", this.#needEquipment(args), { varbinds: [{ oid, type, value }] }, signal);
  }

  #needEquipment(args: Arguments): EquipmentId {
    const equipment = this.#knownEquipment(args.text("equipment", { max: 63 }));
    if (equipment === undefined) throw new OrderRefused("E_ARGUMENT", "which equipment?");
    return equipment;
  }

  async #operate(
    service: string,
    operation: string,
    equipment: EquipmentId,
    args: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { ground } = this.#parts;
    if (ground.operate === undefined) throw new OrderRefused("E_UNSUPPORTED", `this gateway offers no ${operation} to flows`);
    this.#parts.onReport(service, operation);
    return ground.operate({ service, operation, equipment, arguments: args }, signal);
  }

  async #probe({ id }: Asking, args: Arguments, signal: AbortSignal): Promise<unknown> {
    const { checks } = this.#parts.ground;
    if (checks === undefined) throw new OrderRefused("E_UNSUPPORTED", "this gateway makes no checks");
    const checkId = args.text("checkId", { max: 63, standard: "" });
    const made = {
      type: args.oneOf("type", checkTypes, "icmp"),
      target: args.text("target", { max: 512, standard: "" }),
      timeoutMs: args.number("timeoutMs", { min: 100, max: 60_000, standard: 5_000 }),
      settings: args.object("settings", 8_192),
    };
    if (checkId === "" && made.target === "") throw new OrderRefused("E_ARGUMENT", "which target?");
    const result = await this.#withPackets(() => checks.run(checkId === "" ? made : checkId, signal), signal);
    this.#parts.onReport(id, "probe");
    return { ok: result.ok, evidence: result.evidence, check: result.check, vantage: result.vantage, at: result.observedAt.wallMs };
  }

  async #withPackets<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock } = this.#parts.ground;
    const lastMs = clock.monotonicMs() + packetsWaitMs;
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (!isGatewayError(error) || error.fields["reason"] !== "packet-budget") throw error;
        if (clock.monotonicMs() >= lastMs) throw new OrderRefused("E_BUSY", error.message);
        await clock.sleep(packetsLookMs, signal);
      }
    }
  }

  #notify({ id }: Asking, args: Arguments): void {
    const { ground } = this.#parts;
    if (ground.notify === undefined) throw new OrderRefused("E_UNSUPPORTED", "this gateway has no way out for notices");
    ground.notify({
      service: id,
      channel: args.text("channel", { max: 40, standard: "noc" }),
      title: args.text("title", { max: 200 }),
      text: args.text("text", { max: 4_000, standard: "" }),
      severity: args.oneOf("severity", severities, "warning"),
    });
    this.#parts.onReport(id, "notify");
  }

  async #http({ id, unit }: Asking, args: Arguments, signal: AbortSignal): Promise<unknown> {
    const { clock, forbiddenHosts } = this.#parts.ground;
    const secret = await this.#secret(args.text("secret", { max: 64, standard: "" }), unit);
    const answer = await httpOrder(args, { clock, secret, isForbiddenHost: (host) => forbiddenHosts.includes(host) }, signal);
    this.#parts.onReport(id, "http");
    return answer;
  }

  async #secret(name: string, unit: CompiledUnit | undefined): Promise<string | undefined> {
    if (name === "") return undefined;
    const sealed = unit !== undefined && Object.hasOwn(unit.secrets, name) ? unit.secrets[name] : undefined;
    if (sealed === undefined) throw new OrderRefused("E_SECRET", `there is no secret "${name}"`);
    const { opener } = this.#parts.ground;
    if (opener === undefined) throw new OrderRefused("E_SECRET", "this gateway is not enrolled: nothing can be sealed to it");
    try {
      return await opener.open(sealed.$sealed);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      throw new OrderRefused("E_SECRET", `the secret "${name}" is not sealed to this gateway: let the NOC seal it again`);
    }
  }
}
