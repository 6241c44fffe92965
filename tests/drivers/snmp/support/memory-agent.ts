import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { SnmpEngine, SnmpSession, SnmpType, TableAnswer, TableColumn, TablePlan, Varbind, WalkLimits } from "#ports/snmp.ts";
import { compareOids, isBelow } from "../../../../drivers/snmp/oid.ts";

/** A whole agent in memory behind the snmp port: exact control over every answer, no packets. */
export class MemoryAgent implements SnmpEngine {
  readonly variables = new Map<string, { readonly type: SnmpType; readonly value: Varbind["value"] }>();
  /** Roots below which requests fail, and how. */
  readonly failing = new Map<string, GatewayError>();
  dead = false;
  /** Tells when an answer came; without it nothing can be asked for along with a table. */
  clock: Clock | undefined;
  /** Every request takes this long on this clock. */
  latency: { readonly clock: Clock; readonly ms: number } | undefined;
  requests = 0;
  #answered = 0;
  readonly asked: string[] = [];
  #sorted: string[] | undefined;

  set(oid: string, type: SnmpType, value: Varbind["value"]): this {
    if (!this.variables.has(oid)) this.#sorted = undefined;
    this.variables.set(oid, { type, value });
    return this;
  }

  remove(root: string): this {
    for (const oid of [...this.variables.keys()]) if (oid === root || isBelow(oid, root)) this.variables.delete(oid);
    this.#sorted = undefined;
    return this;
  }

  text(oid: string, value: string): this {
    return this.set(oid, "octet-string", new TextEncoder().encode(value));
  }

  open(): SnmpSession {
    const { requests } = this;
    return {
      get: (oids, signal) => this.#request(oids, signal, (oid) => this.#get(oid)),
      getNext: (oids, signal) => this.#request(oids, signal, (oid) => this.#next(oid)),
      walk: (root, limits, signal) => this.#walk(root, limits, signal),
      readTable: async (plan, _deadlineMs, signal, opening) => {
        if (opening !== undefined && this.clock === undefined) throw new GatewayError("driver.unsupported");
        await this.#travel(signal);
        const answer = this.#readTable(plan, opening ?? [], signal);
        const varbinds = opening?.map((oid) => this.#get(oid)) ?? [];
        if (this.clock === undefined || varbinds.some(({ value }) => value === undefined)) return answer;
        return { ...answer, opening: { varbinds, atMs: this.clock.monotonicMs() } };
      },
      set: async (varbinds, signal) => {
        this.#check(
          varbinds.map((varbind) => varbind.oid),
          signal,
        );
        for (const { oid, type, value } of varbinds) this.set(oid, type, value);
        return varbinds;
      },
      counters: () => ({
        requests: this.requests - requests,
        retries: 0,
        timeouts: 0,
        lateAnswers: 0,
        forgedAnswers: 0,
        malformedAnswers: 0,
        oidViolations: 0,
        reports: 0,
        bytesIn: this.#answered * 100,
        maxRepetitions: 10,
        maxMessageBytes: 1472,
        roundTripMs: 1,
      }),
      engine: () => undefined,
      close: () => undefined,
    };
  }

  async close(): Promise<void> {}

  async #travel(signal: AbortSignal): Promise<void> {
    if (this.latency !== undefined) await this.latency.clock.sleep(this.latency.ms, signal);
  }

  async #request(oids: readonly string[], signal: AbortSignal, answer: (oid: string) => Varbind): Promise<readonly Varbind[]> {
    await this.#travel(signal);
    this.#check(oids, signal);
    return oids.map(answer);
  }

  #check(oids: readonly string[], signal: AbortSignal): void {
    signal.throwIfAborted();
    this.requests += 1;
    this.asked.push(...oids);
    if (this.dead) throw new GatewayError("driver.timeout");
    for (const [root, error] of this.failing) if (oids.some((oid) => oid === root || isBelow(oid, root))) throw error;
    this.#answered += 1;
  }

  #get(oid: string): Varbind {
    const variable = this.variables.get(oid);
    return variable === undefined ? { oid, type: "no-such-instance", value: undefined } : { oid, ...variable };
  }

  #next(oid: string): Varbind {
    const sorted = this.#order();
    const following = sorted.find((candidate) => compareOids(candidate, oid) > 0);
    return following === undefined ? { oid, type: "end-of-mib-view", value: undefined } : this.#get(following);
  }

  #order(): readonly string[] {
    this.#sorted ??= [...this.variables.keys()].sort(compareOids);
    return this.#sorted;
  }

  async *#walk(root: string, limits: WalkLimits, signal: AbortSignal): AsyncGenerator<readonly Varbind[]> {
    await this.#travel(signal);
    this.#check([root], signal);
    const rows = this.#order().filter((oid) => isBelow(oid, root));
    yield rows.slice(0, limits.maxRows).map((oid) => this.#get(oid));
    if (rows.length > limits.maxRows) throw new GatewayError("driver.limit");
  }

  #readTable(plan: TablePlan, opening: readonly string[], signal: AbortSignal): TableAnswer {
    this.#check([...opening, ...plan.columns.map((column) => column.oid)], signal);
    const columns = plan.columns.map((column) => this.#column(column.oid, column.as, plan.rows));
    const seen = plan.rows.filter((_, row) => columns.some((column) => column.present[row] === 1)).length;
    const planned = new Set(plan.rows);
    const first = plan.columns[0]?.oid ?? "";
    const changed = this.#order().some((oid) => isBelow(oid, first) && !planned.has(oid.slice(first.length + 1)));
    return {
      columns,
      vanished: plan.rows.length - seen,
      changed,
      requests: 1,
      retries: 0,
      bytesIn: 100,
      bytesOut: 50,
      durationMs: 1,
      complete: true,
    };
  }

  #column(oid: string, as: TableColumn["as"], rows: readonly string[]): TableColumn {
    const present = new Uint8Array(rows.length);
    const answers = rows.map((row) => this.variables.get(`${oid}.${row}`)?.value);
    const fits = (value: Varbind["value"]): boolean =>
      as === "number"
        ? typeof value === "number"
        : as === "counter"
          ? typeof value === "bigint" || (typeof value === "number" && value >= 0)
          : as === "bytes"
            ? value instanceof Uint8Array
            : value instanceof Uint8Array || typeof value === "string";
    for (const [row, value] of answers.entries()) present[row] = fits(value) ? 1 : 0;
    if (as === "number") return { as, present, value: Float64Array.from(answers, (value) => (typeof value === "number" ? value : 0)) };
    if (as === "bytes") return { as, present, value: answers.map((value) => (value instanceof Uint8Array ? value : new Uint8Array())) };
    if (as === "text")
      return {
        as,
        present,
        value: answers.map((value) => (value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value ?? ""))),
      };
    const bits = answers.some((value) => typeof value === "bigint") ? 64 : 32;
    return {
      as,
      present,
      bits,
      value: BigUint64Array.from(answers, (value) => (typeof value === "bigint" || typeof value === "number" ? BigInt(value) : 0n)),
    };
  }
}
