import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type {
  SnmpSession,
  SnmpSessionCounters,
  SnmpTarget,
  TableAnswer,
  TablePlan,
  Varbind,
  WalkedPart,
  WalkLimits,
  WalkRoot,
  WalkTogetherLimits,
} from "#ports/snmp.ts";
import {
  failedStatus,
  type GuardCounts,
  type NetSnmpSession,
  type NetSnmpVarbind,
  openNetSnmpSession,
  translate,
} from "./net-snmp-border.ts";
import { fillTable } from "./reference-table.ts";
import { toNetSnmp, toVarbind } from "./reference-values.ts";

const chunkOids = 20;
const repetitions = 20;
const noSuchName = 2;

type Ask = (oids: readonly string[], done: (error: Error | null, value: readonly NetSnmpVarbind[]) => void) => void;

/** A session on npm net-snmp. Slow and plain on purpose: GETs of twenty, a walk by one GETBULK after the other. */
export class ReferenceSession implements SnmpSession {
  readonly #target: SnmpTarget;
  readonly #clock: Clock;
  readonly #onClose: () => void;
  readonly #guard: GuardCounts = { bytesIn: 0, bytesOut: 0, forged: 0, malformed: 0 };
  readonly #session: NetSnmpSession;
  #requests = 0;
  #timeouts = 0;
  #oidViolations = 0;
  #isClosed = false;

  constructor(target: SnmpTarget, clock: Clock, onClose: () => void) {
    this.#target = target;
    this.#clock = clock;
    this.#onClose = onClose;
    this.#session = openNetSnmpSession(target, target.address, this.#guard);
  }

  /** One call of the library under a deadline of our own: a crash inside it loses the callback. */
  async #call<T>(signal: AbortSignal, work: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
    if (this.#isClosed) throw new GatewayError("driver.unreachable", { message: "the session is closed" });
    signal.throwIfAborted();
    this.#requests += 1;
    const { retries, timeoutMs } = this.#target;
    const ended = new AbortController();
    const late = this.#clock.sleep((retries + 1) * timeoutMs + 1000, AbortSignal.any([ended.signal, signal])).then(() => {
      throw new GatewayError("driver.timeout");
    });
    late.catch(() => undefined);
    const running = new Promise<T>((resolve, reject) => work((error, value) => (error === null ? resolve(value) : reject(error))));
    running.catch(() => undefined);
    try {
      return await Promise.race([running, late]);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof GatewayError || failedStatus(error) !== 0) throw error;
      const translated = translate(error);
      if (translated.code === "driver.timeout") this.#timeouts += 1;
      throw translated;
    } finally {
      ended.abort();
    }
  }

  async get(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]> {
    return this.#inChunks(oids, "no-such-instance", (chunk, done) => this.#session.get(chunk, done), signal);
  }

  async getNext(oids: readonly string[], signal: AbortSignal): Promise<readonly Varbind[]> {
    return this.#inChunks(oids, "end-of-mib-view", (chunk, done) => this.#session.getNext(chunk, done), signal);
  }

  async #inChunks(oids: readonly string[], missing: Varbind["type"], ask: Ask, signal: AbortSignal): Promise<readonly Varbind[]> {
    const answers: Varbind[] = [];
    for (let at = 0; at < oids.length; at += chunkOids)
      answers.push(...(await this.#askNarrowing(oids.slice(at, at + chunkOids), missing, ask, signal)));
    return answers;
  }

  /** v1 refuses the whole PDU for one missing object: ask one by one then. */
  async #askNarrowing(oids: readonly string[], missing: Varbind["type"], ask: Ask, signal: AbortSignal): Promise<readonly Varbind[]> {
    try {
      return (await this.#call<readonly NetSnmpVarbind[]>(signal, (done) => ask(oids, done))).map(toVarbind);
    } catch (error) {
      if (failedStatus(error) !== noSuchName) throw translate(error);
    }
    if (oids.length === 1) return [{ oid: oids[0] ?? "", type: missing, value: undefined }];
    const answers: Varbind[] = [];
    for (const oid of oids) answers.push(...(await this.#askNarrowing([oid], missing, ask, signal)));
    return answers;
  }

  async *walk(root: string, limits: WalkLimits, signal: AbortSignal): AsyncGenerator<readonly Varbind[]> {
    const prefix = `${root.replace(/^\./, "")}.`;
    let last = prefix.slice(0, -1);
    let rows = 0;
    for (let request = 0; ; request++) {
      if (rows >= limits.maxRows || request >= limits.maxRequests || this.#clock.monotonicMs() >= limits.deadlineMs)
        throw new GatewayError("driver.limit");
      const step = await this.#step(last, signal);
      const batch: Varbind[] = [];
      for (const varbind of step) {
        if (varbind.type === "end-of-mib-view" || varbind.type.startsWith("no-such") || !varbind.oid.startsWith(prefix)) break;
        if (!isAfter(varbind.oid, batch.at(-1)?.oid ?? last)) {
          this.#oidViolations += 1;
          if (batch.length > 0) yield batch;
          throw new GatewayError("driver.bad-answer", { message: "the agent's OIDs do not increase" });
        }
        batch.push(varbind);
      }
      rows += batch.length;
      if (batch.length > 0) yield batch;
      if (batch.length < step.length || step.length === 0) return;
      last = batch.at(-1)?.oid ?? last;
    }
  }

  /** One after the other: it is there to compare with. */
  async *walkTogether(roots: readonly WalkRoot[], limits: WalkTogetherLimits, signal: AbortSignal): AsyncGenerator<readonly WalkedPart[]> {
    for (const [root, { oid, maxRows }] of roots.entries()) {
      try {
        for await (const batch of this.walk(oid, { ...limits, maxRows }, signal))
          yield [{ root, cells: batch.map((varbind) => ({ index: varbind.oid.slice(oid.length + 1), value: varbind.value })) }];
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        yield [{ root, cells: [], failure: error }];
      }
    }
  }

  async #step(last: string, signal: AbortSignal): Promise<readonly Varbind[]> {
    if (this.#target.credential.version === "1") return this.getNext([last], signal);
    const columns = await this.#call<readonly (readonly NetSnmpVarbind[])[]>(signal, (done) =>
      this.#session.getBulk([last], 0, repetitions, done),
    ).catch((error: unknown) => {
      throw translate(error);
    });
    return (columns[0] ?? []).map(toVarbind);
  }

  async readTable(plan: TablePlan, deadlineMs: number, signal: AbortSignal): Promise<TableAnswer> {
    const startedAtMs = this.#clock.monotonicMs();
    const before = { requests: this.#requests, bytesIn: this.#guard.bytesIn, bytesOut: this.#guard.bytesOut };
    const oids = plan.columns.flatMap(({ oid }) => plan.rows.map((row) => `${oid}.${row}`));
    const answers: Varbind[] = [];
    let isComplete = true;
    for (let at = 0; at < oids.length && isComplete; at += chunkOids) {
      isComplete = this.#clock.monotonicMs() < deadlineMs;
      if (isComplete) answers.push(...(await this.get(oids.slice(at, at + chunkOids), signal)));
    }
    return {
      ...fillTable(plan, answers),
      changed: false,
      requests: this.#requests - before.requests,
      retries: 0,
      bytesIn: this.#guard.bytesIn - before.bytesIn,
      bytesOut: this.#guard.bytesOut - before.bytesOut,
      durationMs: this.#clock.monotonicMs() - startedAtMs,
      complete: isComplete,
    };
  }

  async set(varbinds: readonly Varbind[], signal: AbortSignal): Promise<readonly Varbind[]> {
    const answered = await this.#call<readonly NetSnmpVarbind[]>(signal, (done) => this.#session.set(varbinds.map(toNetSnmp), done)).catch(
      (error: unknown) => {
        throw translate(error);
      },
    );
    return answered.map(toVarbind);
  }

  counters(): SnmpSessionCounters {
    return {
      requests: this.#requests,
      retries: 0,
      timeouts: this.#timeouts,
      lateAnswers: 0,
      forgedAnswers: this.#guard.forged,
      malformedAnswers: this.#guard.malformed,
      oidViolations: this.#oidViolations,
      reports: 0,
      bytesIn: this.#guard.bytesIn,
      bytesOut: this.#guard.bytesOut,
      maxRepetitions: repetitions,
      maxMessageBytes: 0,
      roundTripMs: 0,
    };
  }

  /** The library keeps this to itself. */
  engine(): undefined {
    return undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#session.close();
    this.#onClose();
  }
}

function isAfter(oid: string, last: string): boolean {
  const a = oid.split(".").map(Number);
  const b = last.split(".").map(Number);
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return a.length > b.length;
}
