import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatewayError } from "../../runtime/model/errors.ts";
import type { AlarmChange, Event, Observation } from "../../runtime/model/observation.ts";
import { SecondPath } from "../../runtime/northbound/second-path/second-path.ts";
import type { BufferStats } from "../../runtime/ports/buffer.ts";
import type { Notifier } from "../../runtime/ports/notifier.ts";
import type { State } from "../../runtime/ports/state.ts";
import { openState } from "../../runtime/store/state.ts";
import { alarm, cleared } from "../cloud-bridge/notify/alarms.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

/** A receiver behind the port: takes everything, unless told otherwise. */
class Receiver implements Notifier {
  readonly name = "ops";
  readonly kind = "webhook";
  readonly address = "https://ops.example.net/alarms";
  readonly taken: AlarmChange[] = [];
  tries = 0;
  error: GatewayError | undefined;

  async notify(change: AlarmChange): Promise<void> {
    this.tries += 1;
    if (this.error !== undefined) throw this.error;
    this.taken.push(change);
  }

  get ids(): readonly string[] {
    return this.taken.map((change) => `${change.id}:${change.rev}`);
  }
}

let folder = "";
let clock: VirtualClock;
let receiver: Receiver;
let events: Event[];
let state: State;
let stop: AbortController;
let running: Promise<void>;
let path: SecondPath;
let tap: (observation: Observation) => void;
/** The line to the NOC: whether it answers, and whether it has acknowledged all alarms. */
let noc: { answers: boolean; hasAll: boolean };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gatehouse-second-path-"));
  clock = new VirtualClock();
  receiver = new Receiver();
  events = [];
  noc = { answers: true, hasAll: true };
  start();
});

afterEach(async () => {
  await end();
  rmSync(folder, { recursive: true, force: true });
});

function start(): void {
  state = openState(folder);
  stop = new AbortController();
  path = new SecondPath({
    targets: [{ notifier: receiver, minSeverity: "major", maxPerHour: 600 }],
    holdMs: 120_000,
    nocAnswers: () => noc.answers,
    buffer: {
      stats: async () => ({ streams: [{ streamClass: "E", firstSeq: noc.hasAll ? 5 : 4, nextSeq: 5 }] }) as unknown as BufferStats,
    },
    state,
    sink: { offer: (event) => void events.push(event) },
    clock,
    entropy: seededEntropy(1),
    logger: silentLogger,
  });
  path.watches({
    tap: (one) => {
      tap = one;
      return () => undefined;
    },
  });
  running = path.run(stop.signal);
}

async function end(): Promise<void> {
  stop.abort(new Error("over"));
  await running;
  state.close();
}

async function restart(): Promise<void> {
  await end();
  start();
}

function cutLine(): void {
  noc = { answers: false, hasAll: false };
}

const minute = 60_000;

describe("second path", () => {
  it("is not used while the NOC acknowledges", async () => {
    tap(alarm("a"));
    await clock.advance(10 * minute);
    cutLine();
    await clock.advance(10 * minute);
    expect(receiver.tries).toBe(0);
  });

  it("tells an alarm once the NOC was silent for the hold time, and says so to the NOC", async () => {
    cutLine();
    tap(alarm("a"));
    await clock.advance(119_000);
    expect(receiver.tries).toBe(0);
    await clock.advance(3_000);
    expect(receiver.ids).toEqual([`${alarm("a").id}:1`]);
    expect(events.map(({ type, attributes }) => [type, attributes["path"], attributes["key"], attributes["rev"]])).toEqual([
      ["notify.delivered", "ops", alarm("a").key, 1],
    ]);
  });

  it("does not hold what happens later in a silence that has lasted", async () => {
    cutLine();
    await clock.advance(5 * minute);
    tap(alarm("a"));
    await clock.advance(2_000);
    expect(receiver.taken).toHaveLength(1);
  });

  it("takes over what was published and never acknowledged, however connected the line looks", async () => {
    noc.hasAll = false;
    tap(alarm("a"));
    await clock.advance(119_000);
    expect(receiver.tries).toBe(0);
    await clock.advance(3_000);
    expect(receiver.taken).toHaveLength(1);
  });

  it("leaves to the NOC what waited when the line came back", async () => {
    cutLine();
    tap(alarm("a"));
    await clock.advance(minute);
    noc = { answers: true, hasAll: true };
    await clock.advance(10 * minute);
    expect(receiver.tries).toBe(0);
  });

  it("clears on this path what it raised here, also when the NOC is back", async () => {
    cutLine();
    tap(alarm("a"));
    await clock.advance(3 * minute);
    noc = { answers: true, hasAll: true };
    await clock.advance(10 * minute);
    tap(cleared(alarm("a")));
    await clock.advance(2_000);
    expect(receiver.taken.map(({ cleared: isCleared }) => isCleared)).toEqual([false, true]);
    expect(path.status().paths[0]).toMatchObject({ told: 0, waiting: 0 });
  });

  it("says nothing of what came and went within the hold time", async () => {
    cutLine();
    tap(alarm("a"));
    await clock.advance(minute);
    tap(cleared(alarm("a")));
    await clock.advance(10 * minute);
    expect(receiver.tries).toBe(0);
  });

  it("tells a change of severity and not each revision", async () => {
    cutLine();
    tap(alarm("a"));
    await clock.advance(3 * minute);
    tap(alarm("a", { op: "change", rev: 2 }));
    tap(alarm("a", { op: "reassert", rev: 2 }));
    tap(alarm("a", { op: "change", rev: 3, severity: "critical" }));
    await clock.advance(minute);
    expect(receiver.ids).toEqual([1, 3].map((revision) => `${alarm("a").id}:${revision}`));
  });

  it("leaves out the less severe, the suppressed, the shelved and what maintenance announced", async () => {
    cutLine();
    tap(alarm("a", { severity: "minor" }));
    tap(alarm("b", { attributes: { root: "sw-1" } }));
    tap(alarm("c", { attributes: { maint: { id: "m1" } } }));
    tap(alarm("d", { attributes: { shelved: true } }));
    tap(alarm("e", { attributes: { root: null, maint: null, shelved: false } }));
    await clock.advance(5 * minute);
    expect(receiver.taken.map(({ key }) => key)).toEqual([alarm("e").key]);
  });

  it("tells once, across restarts before and after", async () => {
    cutLine();
    tap(alarm("a"));
    await clock.advance(minute);
    await restart();
    await clock.advance(3 * minute);
    expect(receiver.taken).toHaveLength(1);
    await restart();
    await clock.advance(10 * minute);
    expect(receiver.taken).toHaveLength(1);
    tap(cleared(alarm("a")));
    await clock.advance(3 * minute);
    expect(receiver.taken).toHaveLength(2);
  });

  it("keeps trying a receiver that cannot be reached, with pauses that grow to minutes", async () => {
    cutLine();
    receiver.error = new GatewayError("notify.unreachable");
    tap(alarm("a"));
    await clock.advance(120 * minute);
    expect(receiver.tries).toBeGreaterThan(10);
    expect(receiver.tries).toBeLessThan(80);
    expect(path.status().paths[0]).toMatchObject({ breaker: "open", waiting: 1 });
    receiver.error = undefined;
    await clock.advance(6 * minute);
    expect(receiver.taken).toHaveLength(1);
    expect(path.status().paths[0]).toMatchObject({ breaker: "closed", waiting: 0 });
  });

  it("does not leave to the NOC what a receiver may already have", async () => {
    cutLine();
    receiver.error = new GatewayError("notify.unavailable");
    tap(alarm("a"));
    await clock.advance(3 * minute);
    noc = { answers: true, hasAll: true };
    receiver.error = undefined;
    await clock.advance(10 * minute);
    expect(receiver.taken).toHaveLength(1);
  });

  it("gives up on a change that the receiver refuses eight times, and says so", async () => {
    cutLine();
    receiver.error = new GatewayError("notify.refused", { message: "the receiver refuses (HTTP 403)" });
    tap(alarm("a"));
    await clock.advance(120 * minute);
    expect(receiver.tries).toBe(8);
    expect(events.map(({ type }) => type)).toEqual(["notify.refused"]);
  });

  it("is bounded: the least severe go first, and are counted", async () => {
    cutLine();
    receiver.error = new GatewayError("notify.unreachable");
    for (let index = 0; index < 520; index++) tap(alarm(`m${index}`));
    tap(alarm("worst", { severity: "critical" }));
    await clock.advance(minute);
    expect(path.status().paths[0]).toMatchObject({ waiting: 500, dropped: 21 });
    receiver.error = undefined;
    await clock.advance(60 * minute);
    expect(receiver.taken.some(({ severity }) => severity === "critical")).toBe(true);
  });

  it("keeps to its share of an hour; the rest waits", async () => {
    cutLine();
    for (let index = 0; index < 500; index++) tap(alarm(`m${index}`));
    await clock.advance(3 * minute);
    for (let index = 0; index < 500; index++) tap(alarm(`n${index}`));
    await clock.advance(minute);
    expect(receiver.taken.length).toBeGreaterThan(599);
    expect(receiver.taken.length).toBeLessThan(660);
    await clock.advance(60 * minute);
    expect(receiver.taken).toHaveLength(1_000);
    expect(new Set(receiver.ids).size).toBe(1_000);
  });
});
