import { describe, expect, it } from "vitest";
import { AlarmMemory } from "../../runtime/alarms/alarm-memory.ts";
import { AlarmUnit } from "../../runtime/alarms/alarm-unit.ts";
import { LastingNotes } from "../../runtime/alarms/watch/lasting-notes.ts";
import { GatewayError } from "../../runtime/model/errors.ts";
import type { Observation } from "../../runtime/model/observation.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { MemoryState } from "./alarm-doubles.ts";
import { condition, equipmentId, ListKit } from "./alarm-kit.ts";

/** Refuses when told. */
class FullState extends MemoryState {
  isFull = false;

  override put(entries: Readonly<Record<string, Uint8Array | string | undefined>>): void {
    if (this.isFull) throw new GatewayError("buffer.disk-full");
    super.put(entries);
  }
}

function seconds(notes: LastingNotes, from: number, count: number): void {
  for (let second = from; second < from + count; second++) notes.tick(second * 1_000);
}

describe("what alarms remember of a large site", () => {
  it("is written in a handful of transactions, not one for each switch, and read back meanwhile", () => {
    const state = new FullState();
    const notes = new LastingNotes(state, silentLogger);
    for (let number = 0; number < 1_000; number++) notes.note(`alarms/identity/sw-${number}`, `{"serial":"${number}"}`);
    expect(notes.getText("alarms/identity/sw-7")).toBe('{"serial":"7"}');
    expect(state.puts).toBe(0);
    seconds(notes, 0, 200);
    expect(state.puts).toBeGreaterThan(0);
    expect(state.puts).toBeLessThanOrEqual(5);
    expect(state.keys("alarms/identity/", 2_000)).toHaveLength(1_000);
  });

  it("waits while the disk is full, and is all there at an orderly end", () => {
    const state = new FullState();
    const notes = new LastingNotes(state, silentLogger);
    for (let number = 0; number < 600; number++) notes.note(`alarms/identity/sw-${number}`, "{}");
    state.isFull = true;
    seconds(notes, 0, 120);
    notes.flush();
    expect(state.keys("alarms/identity/", 2_000)).toEqual([]);
    state.isFull = false;
    notes.flush();
    expect(state.keys("alarms/identity/", 2_000)).toHaveLength(600);
  });

  it("becomes durable with the alarm that was judged by it", () => {
    const state = new FullState();
    const notes = new LastingNotes(state, silentLogger);
    const kit = new ListKit();
    kit.list.set(condition());
    notes.note("alarms/identity/sw-1", '{"serial":"new"}');
    new AlarmMemory(state, notes).write(kit.list.outgoing.take().map(({ instance }) => instance));
    expect(state.puts).toBe(1);
    expect(state.getText("alarms/identity/sw-1")).toBe('{"serial":"new"}');
  });
});

describe("alarms of one fault", () => {
  it("are in the state, then handed over all in their order, and only then waited for: they share the disk's next sync", async () => {
    const state = new FullState();
    const kit = new ListKit();
    for (let port = 1; port <= 5; port++) kit.list.set(condition({ path: `interface/gi${port}`, equipment: equipmentId("sw-1") }));
    const handedOver: Observation[] = [];
    let sync = (): void => undefined;
    const synced = new Promise<void>((resolve) => {
      sync = resolve;
    });
    const unit = new AlarmUnit({
      ...{ list: kit.list, memory: new AlarmMemory(state), log: undefined, clock: kit.clock, logger: silentLogger },
      accept: (observation) => {
        expect(state.puts).toBe(1);
        handedOver.push(observation);
        return synced;
      },
      correlate: () => undefined,
      isConnected: () => false,
      onTick: () => undefined,
    });
    let isDone = false;
    const flushed = unit.flush().then(() => {
      isDone = true;
    });
    expect(handedOver.map((one) => one.kind === "alarm" && one.path)).toEqual([1, 2, 3, 4, 5].map((port) => `interface/gi${port}`));
    await Promise.resolve();
    expect(isDone).toBe(false);
    sync();
    await flushed;
  });
});
