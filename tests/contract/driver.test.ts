import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isGatewayError } from "#model/errors.ts";
import type { Report, TableReport } from "#model/report.ts";
import type { PollResult } from "#ports/driver.ts";
import { type Subject, subjects } from "./driver-subjects.ts";

const forever = new AbortController().signal;

function pollOnce(subject: Subject, budgetMs = 10_000): Promise<PollResult> {
  const nowMs = subject.context.clock.monotonicMs();
  return subject.session.poll({ plannedAtMs: nowMs, deadlineMs: nowMs + budgetMs }, forever);
}

function expectSound(table: TableReport, report: Report): void {
  const { shape, columns } = table;
  const rows = shape.rows.length;
  expect(Object.isFrozen(shape)).toBe(true);
  expect(shape.equipment).toBe(report.equipment);
  expect(shape.revision).toBeGreaterThanOrEqual(1);
  expect(new Set(shape.rows.map((row) => row.key)).size).toBe(rows);
  expect(columns).toHaveLength(shape.metrics.length);
  for (const [position, metric] of shape.metrics.entries()) {
    const column = columns[position];
    expect(column?.kind).toBe(metric.kind === "counter" || metric.kind === "text" ? metric.kind : "number");
    if (column === undefined) continue;
    expect(column.present.length).toBeGreaterThanOrEqual(rows);
    for (let row = 0; row < rows; row++) {
      if (column.present[row] === 0) continue;
      expect(column.present[row]).toBe(1);
      if (column.kind === "number") expect(Number.isFinite(column.value[row])).toBe(true);
      else if (column.kind === "text") expect(typeof column.value[row]).toBe("string");
      else expect(Number.isNaN(column.increment[row]) || (column.increment[row] ?? -1) >= 0).toBe(true);
    }
  }
}

describe.each(subjects.map((maker) => [maker.missing === "" ? maker.name : `${maker.name} (${maker.missing})`, maker] as const))(
  "%s",
  (_, maker) => {
    let subject: Subject | undefined;
    const use = (): Subject => {
      if (subject === undefined) throw new Error("not made");
      return subject;
    };

    beforeAll(async () => {
      if (maker.missing === "") subject = await maker.make();
    });
    afterAll(() => subject?.close());

    it.skipIf(maker.missing !== "")("reports sound tables of its equipment for the slot that was asked for", async () => {
      const nowMs = use().context.clock.monotonicMs();
      const { report, cost, events } = await use().session.poll({ plannedAtMs: nowMs - 5, deadlineMs: nowMs + 10_000 }, forever);
      expect(report.equipment).toBe(use().equipment.id);
      expect(report.plannedAtMs).toBe(nowMs - 5);
      expect(report.tables.length).toBeGreaterThan(0);
      expect(new Set(report.tables.map((table) => table.shape.table)).size).toBe(report.tables.length);
      for (const table of report.tables) expectSound(table, report);
      expect(events.length).toBeLessThanOrEqual(16);
      expect(Math.min(cost.requests, cost.retries, cost.bytesIn, cost.bytesOut, cost.durationMs, cost.cpuMs)).toBeGreaterThanOrEqual(0);
    });

    it.skipIf(maker.missing !== "")("accounts for no more than its polls cost, and for no trouble where there is none", async () => {
      const { driver, equipment, context } = use();
      const session = driver.open(equipment, context);
      let requests = 0;
      let bytesIn = 0;
      for (let poll = 0; poll < 3; poll++) {
        const { cost } = await pollOnce({ ...use(), session });
        requests += cost.requests;
        bytesIn += cost.bytesIn;
      }
      const { upkeep, troubles } = session.account?.() ?? { upkeep: [], troubles: [] };
      await session.close();
      const sum = (number: "requests" | "bytesIn") => upkeep.reduce((sofar, kind) => sofar + kind[number], 0);
      expect(sum("requests")).toBeLessThanOrEqual(requests);
      expect(sum("bytesIn")).toBeLessThanOrEqual(bytesIn);
      expect(new Set(upkeep.map(({ what }) => what)).size).toBe(upkeep.length);
      for (const kind of upkeep) {
        expect(kind.times).toBeGreaterThan(0);
        expect(Math.min(kind.requests, kind.bytesOut, kind.bytesIn, kind.durationMs, kind.cpuMs)).toBeGreaterThanOrEqual(0);
      }
      expect(troubles).toEqual([]);
    });

    it.skipIf(maker.missing !== "")("keeps shapes by identity and knows increments from the second poll on", async () => {
      const shapes = new Map<string, unknown>();
      let known = 0;
      let elapsed = 0;
      for (let poll = 0; poll < 4; poll++) {
        const { report } = await pollOnce(use());
        for (const table of report.tables) {
          expectSound(table, report);
          if (shapes.has(table.shape.table)) expect(table.shape).toBe(shapes.get(table.shape.table));
          shapes.set(table.shape.table, table.shape);
          for (const column of table.columns) if (column.kind === "counter") known += column.increment.filter((value) => value >= 0).length;
          if (table.elapsedMs > 0) elapsed += 1;
        }
      }
      expect(known).toBeGreaterThan(0);
      expect(elapsed).toBeGreaterThan(0);
    });

    it.skipIf(maker.missing !== "")("ends by its deadline, however short", async () => {
      const startedMs = use().context.clock.monotonicMs();
      try {
        await pollOnce(use(), 1);
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        expect(error.code).toMatch(/^driver\./);
      }
      expect(use().context.clock.monotonicMs() - startedMs).toBeLessThan(10_000);
      expect((await pollOnce(use())).report.tables.length).toBeGreaterThan(0);
    });

    it.skipIf(maker.missing !== "")("rejects with the caller's reason when it is aborted", async () => {
      const reason = new Error("shutting down");
      const nowMs = use().context.clock.monotonicMs();
      const request = { plannedAtMs: nowMs, deadlineMs: nowMs + 10_000 };
      await expect(use().session.poll(request, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it.skipIf(maker.missing !== "")("answers a probe", async () => {
      if (use().session.probe !== undefined) expect(await use().session.probe?.(forever)).toBe(true);
    });

    it.skipIf(maker.missing !== "")("describes its settings by a strict JSON Schema in which everything is optional", () => {
      const ajv = new Ajv2020({ strict: true, allErrors: true });
      const validate = ajv.compile(use().driver.settingsSchema);
      expect(validate({})).toBe(true);
      expect(validate(use().equipment.settings)).toBe(true);
      expect(validate({ noSuchSetting: 1 })).toBe(false);
    });
  },
);

function isNoSign(sign: unknown): boolean {
  return sign === false || (isGatewayError(sign) && /^driver\.(timeout|unreachable)$/.test(sign.code));
}

describe("equipment that is not there", () => {
  const maker = subjects.find((candidate) => candidate.name === "snmp v2c and a simulated switch");

  it("is an error of the driver's within the deadline, and no sign of life", async () => {
    const subject = await maker?.make();
    if (subject === undefined) throw new Error("not made");
    try {
      const session = subject.driver.open({ ...subject.equipment, port: 9, settings: { timeoutMs: 250, retries: 0 } }, subject.context);
      const nowMs = subject.context.clock.monotonicMs();
      await expect(session.poll({ plannedAtMs: nowMs, deadlineMs: nowMs + 3_000 }, forever)).rejects.toMatchObject({
        code: expect.stringMatching(/^driver\.(timeout|unreachable)$/),
      });
      expect(subject.context.clock.monotonicMs() - nowMs).toBeLessThan(30_000);
      const sign = session.probe?.(forever) ?? Promise.resolve(false);
      // "No", or why not, in the driver's own words.
      expect(await sign.catch((reason: unknown) => reason)).toSatisfy(isNoSign);
      await session.close();
    } finally {
      await subject.close();
    }
  });
});
