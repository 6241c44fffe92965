import type { Device } from "../../../drivers/simulated/device.ts";
import type { ManagedObject } from "../../../drivers/simulated/object-tree.ts";
import type { Disturbance } from "../../../drivers/simulated/simulated-agent.ts";
import { fillTable } from "../../../drivers/snmp/reference/reference-table.ts";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import type { SnmpEngine, SnmpSession, SnmpTarget, TableAnswer, TablePlan, Varbind, WalkLimits } from "../../../runtime/ports/snmp.ts";

/** One device as its agent: where it is and what disturbs it. */
export interface AgentAccess {
  answering(address: string): Device | undefined;
  disturbanceOf(device: Device): Disturbance;
  /** Somebody asked with a credential that the device does not take. */
  refused(device: Device): void;
}

const roundTripMs = 2;
/** Our own engine gives slow agents this much, having learnt that they are. */
const longestAnswerMs = 10_000;
const walkBatch = 50;

/** The SNMP port on the simulated devices' own trees: no packets, the same answers. Virtual time passes as it would with packets. */
export class SimSnmpEngine implements SnmpEngine {
  readonly #clock: Clock;
  readonly #access: AgentAccess;
  readonly #random: () => number;

  constructor(clock: Clock, access: AgentAccess, random: () => number) {
    this.#clock = clock;
    this.#access = access;
    this.#random = random;
  }

  open(target: SnmpTarget): SnmpSession {
    return new SimSession(target, this.#clock, this.#access, this.#random);
  }

  async close(): Promise<void> {}
}

interface PlanObjects {
  readonly cells: readonly (ManagedObject | undefined)[];
  /** Instances of the plan's columns that are not in it. */
  readonly others: readonly ManagedObject[];
}

class SimSession implements SnmpSession {
  readonly #target: SnmpTarget;
  readonly #clock: Clock;
  readonly #access: AgentAccess;
  readonly #random: () => number;
  readonly #plans = new WeakMap<TablePlan, PlanObjects>();
  #counts = { requests: 0, retries: 0, timeouts: 0, bytesIn: 0, bytesOut: 0 };
  #device: Device | undefined;

  constructor(target: SnmpTarget, clock: Clock, access: AgentAccess, random: () => number) {
    this.#target = target;
    this.#clock = clock;
    this.#access = access;
    this.#random = random;
  }

  async get(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]> {
    const device = await this.#ask(signal);
    return oids.map((oid) => {
      const object = device.tree.exact(oid);
      return (
        wireValue(object) ?? {
          oid,
          type: object !== undefined || device.tree.hasColumnOf(oid) ? "no-such-instance" : "no-such-object",
          value: undefined,
        }
      );
    });
  }

  async getNext(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]> {
    const device = await this.#ask(signal);
    return oids.map((oid) => {
      for (let at = device.tree.firstAfter(oid); at < device.tree.size; at++) {
        const found = wireValue(device.tree.at(at));
        if (found !== undefined) return found;
      }
      return { oid, type: "end-of-mib-view", value: undefined };
    });
  }

  async *walk(root: string, limits: WalkLimits, signal: AbortSignal): AsyncGenerator<readonly Varbind[]> {
    const device = await this.#ask(signal);
    const { tree } = device;
    let batch: Varbind[] = [];
    let rows = 0;
    for (let at = tree.firstAfter(root); at < tree.size; at++) {
      const object = tree.at(at);
      if (object === undefined || !object.oid.startsWith(`${root}.`)) break;
      const found = wireValue(object);
      if (found === undefined) continue;
      batch.push(found);
      rows += 1;
      if (rows >= limits.maxRows) {
        yield batch;
        throw new GatewayError("driver.limit");
      }
      if (batch.length < walkBatch) continue;
      yield batch;
      batch = [];
      await this.#ask(signal);
    }
    if (batch.length > 0) yield batch;
  }

  async readTable(plan: TablePlan, _deadlineMs: number, signal: AbortSignal): Promise<TableAnswer> {
    const startedMs = this.#clock.monotonicMs();
    const device = await this.#ask(signal);
    const { cells, others } = this.#objectsOf(plan, device);
    const absent: Varbind = { oid: "", type: "no-such-instance", value: undefined };
    return {
      ...fillTable(
        plan,
        cells.map((object) => wireValue(object) ?? absent),
      ),
      changed: others.some((object) => object.read() !== undefined),
      ...{ requests: 1, retries: 0, bytesIn: cells.length * 20, bytesOut: 100 },
      durationMs: this.#clock.monotonicMs() - startedMs,
      complete: true,
    };
  }

  async set(varbinds: readonly Varbind[], signal: AbortSignal): Promise<readonly Varbind[]> {
    const device = await this.#ask(signal);
    for (const { oid, value } of varbinds) {
      const taken = device.tree.exact(oid)?.write?.(typeof value === "number" ? value : Buffer.from(String(value)));
      if (taken !== true) throw new GatewayError("driver.refused", { fields: { oid } });
    }
    return varbinds;
  }

  counters() {
    const none = { lateAnswers: 0, forgedAnswers: 0, malformedAnswers: 0, oidViolations: 0, reports: 0 };
    return { ...none, ...this.#counts, maxRepetitions: 20, maxMessageBytes: 1_472, roundTripMs };
  }

  engine() {
    if (this.#target.credential.version !== "3" || this.#device === undefined) return undefined;
    return { engineId: this.#device.engineId, boots: this.#device.engineBoots, timeS: this.#device.upTimeS };
  }

  close(): void {}

  /** One exchange: who answers, after the time it takes. @throws GatewayError driver.timeout | driver.auth */
  async #ask(signal: AbortSignal): Promise<Device> {
    const { address, timeoutMs, retries } = this.#target;
    for (let attempt = 0; attempt <= retries; attempt++) {
      this.#counts.requests += 1;
      const device = this.#access.answering(address);
      const disturbance = device === undefined ? undefined : this.#access.disturbanceOf(device);
      const isLost = disturbance === undefined || this.#random() < disturbance.loss || disturbance.delayMs > longestAnswerMs;
      if (device !== undefined && disturbance !== undefined && !isLost) {
        if (!disturbance.wrongCommunity) {
          await this.#clock.sleep(roundTripMs + disturbance.delayMs, signal);
          this.#device = device;
          return device;
        }
        this.#access.refused(device);
        if (this.#target.credential.version === "3") throw new GatewayError("driver.auth", { message: "the agent refuses the keys" });
      }
      this.#counts.timeouts += 1;
      await this.#clock.sleep(timeoutMs, signal);
    }
    throw new GatewayError("driver.timeout", { fields: { address, timeoutMs } });
  }

  #objectsOf(plan: TablePlan, { tree }: Device): PlanObjects {
    const known = this.#plans.get(plan);
    if (known !== undefined) return known;
    const cells = plan.columns.flatMap(({ oid }) => plan.rows.map((row) => tree.exact(`${oid}.${row}`)));
    const planned = new Set(cells);
    const others: ManagedObject[] = [];
    for (const { oid } of plan.columns) {
      for (let at = tree.firstAfter(oid); at < tree.size; at++) {
        const object = tree.at(at);
        if (object === undefined || !object.oid.startsWith(`${oid}.`)) break;
        if (!planned.has(object)) others.push(object);
      }
    }
    const made = { cells, others };
    this.#plans.set(plan, made);
    return made;
  }
}

/** As it would come over the wire; undefined = not there now. */
export function wireValue(object: ManagedObject | undefined): Varbind | undefined {
  const value = object?.read();
  if (object === undefined || value === undefined) return undefined;
  const { oid, type } = object;
  if (typeof value === "bigint") return { oid, type, value: BigInt.asUintN(64, value) };
  if (typeof value === "number") {
    const whole = Math.trunc(value);
    return { oid, type, value: type === "integer" ? whole : ((whole % 2 ** 32) + 2 ** 32) % 2 ** 32 };
  }
  if (type === "octet-string") return { oid, type, value: typeof value === "string" ? Buffer.from(value) : value };
  return { oid, type, value: String(value) };
}
