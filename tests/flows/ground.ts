import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DesiredDocument, DocumentOutcome } from "#model/desired.ts";
import type { Equipment, EquipmentId } from "#model/equipment.ts";
import type { AlarmChange, Event, Observation } from "#model/observation.ts";
import type { AlarmCondition, AlarmIdentity } from "#ports/alarms.ts";
import type { AtRest } from "#ports/at-rest.ts";
import type { FlowGround, FlowWing } from "#ports/flow-ground.ts";
import type { State } from "#ports/state.ts";
import { editorFrameCodec } from "../../cloud-bridge/protocol/editor-frames.ts";
import { ServiceCatalogue } from "../../flows/catalogue.ts";
import { createFlowWing } from "../../flows/flow-wing.ts";
import type { FlowSettings } from "../../flows/settings.ts";
import { atRestOf } from "../../runtime/host/identity-folder.ts";
import { guestSpawner } from "../../runtime/host/spawn-guest.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { openState } from "../../runtime/store/state.ts";
import { gatehouseProgram } from "../program.ts";
import { silentLogger } from "../sim/silent-logger.ts";

export const root = join(import.meta.dirname, "../..");

const noSecrets: readonly string[] = [];

/** A gateway's ground for the flow wing with everything real but equipment: clock, state on disk, child process, intake without a buffer. */
export class TestGround implements FlowGround {
  readonly clock = new SystemClock(() => true);
  readonly entropy = systemEntropy;
  readonly logger = process.env["SHOW"] ? loud : silentLogger;
  readonly spawner = guestSpawner(gatehouseProgram());
  readonly forbiddenHosts = ["noc.example.net"];
  readonly secrets = (): readonly string[] => noSecrets;
  readonly observed: Observation[] = [];
  readonly active = new Map<string, AlarmCondition>();
  readonly orders: unknown[] = [];
  readonly state: State;
  readonly atRest: AtRest;
  readonly folder: string;
  readonly #taps = new Set<(observation: Observation) => void>();

  constructor(folder = mkdtempSync(join(tmpdir(), "gatehouse-flows-"))) {
    this.folder = folder;
    this.state = openState(folder, { wallMs: Date.now(), onDamage: () => undefined });
    this.atRest = atRestOf(folder, systemEntropy);
  }

  readonly intake = {
    accept: async (observation: Observation) => {
      this.observed.push(observation);
      for (const tap of this.#taps) tap(observation);
    },
    tap: (tap: (observation: Observation) => void) => {
      this.#taps.add(tap);
      return () => void this.#taps.delete(tap);
    },
  };

  readonly alarms = {
    set: (condition: AlarmCondition) => void this.active.set(keyOf(condition), condition),
    clear: (identity: AlarmIdentity) => void this.active.delete(keyOf(identity)),
    // What the wing reads of an alarm is what was set.
    active: () => [...this.active.values()] as unknown as readonly AlarmChange[],
  };

  equipment(): readonly Equipment[] {
    return [{ id: "sw-1" as EquipmentId, address: "192.0.2.1", port: 161, driver: "snmp", pollIntervalMs: 60_000 }];
  }

  async operate(order: unknown): Promise<unknown> {
    this.orders.push(order);
    return { "1.3.6.1.2.1.1.3.0": 42 };
  }

  events(type: string): readonly Event[] {
    return this.observed.filter((one): one is Event => one.kind === "event" && one.type === type);
  }

  remove(): void {
    this.state.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function keyOf({ equipment, path, type, qualifier }: AlarmIdentity): string {
  return [equipment ?? "", path, type, qualifier].join("|");
}

export const testSettings: FlowSettings = {
  heapMiB: 128,
  memoryMiB: 256,
  localEditing: true,
  localFunctionNodes: 8,
  localSnmpSet: false,
  editorIdleMs: 900_000,
  ...(process.getuid?.() === 0 ? { user: { uid: 65_534, gid: 65_534 } } : {}),
};

/** The flow wing on a test's ground, running until `stop`. */
export class RunningWing {
  readonly ground: TestGround;
  readonly wing: FlowWing;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(settings: Partial<FlowSettings> = {}, ground = new TestGround()) {
    this.ground = ground;
    this.wing = createFlowWing({
      ground,
      settings: { ...testSettings, ...settings },
      gateway: "gw-test-01",
      catalogue: new ServiceCatalogue(join(root, "flows/library")),
      frames: editorFrameCodec,
      missing: undefined,
    });
    this.#running = this.wing.unit.run(this.#stop.signal);
  }

  async until(what: string, holds: () => boolean, withinMs = 60_000): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}; ${JSON.stringify(this.wing.status())}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  running(): Promise<void> {
    return this.until("the flow host runs", () => this.wing.status().state === "running");
  }

  apply(documents: readonly DesiredDocument[], steps: string[] = []): Promise<readonly DocumentOutcome[]> {
    return this.wing.documents.apply(
      documents,
      (id, step, detail) => steps.push(`${id} ${step}${detail === undefined ? "" : ` ${detail}`}`),
      new AbortController().signal,
    );
  }

  async stop(keep = false): Promise<void> {
    this.#stop.abort(new Error("the test is over"));
    await this.#running;
    if (!keep) this.ground.remove();
  }
}

/** A plain flow of the NOC as a document. */
export function flowDocument(id: string, nodes: readonly object[], more: object = {}): DesiredDocument {
  return { kind: "flow", id: `flow.${id}`, rev: 1, sha256: "", content: { v: 1, id, flow: nodes, health: { soakS: 0.3 }, ...more } };
}

/** inject (at once) -> function -> metric out. */
export function functionFlow(func: string, repeat = "1"): readonly object[] {
  return [
    {
      id: "in",
      type: "inject",
      repeat,
      once: true,
      onceDelay: 0.05,
      props: [{ p: "payload" }],
      payload: "1",
      payloadType: "num",
      x: 1,
      y: 1,
      wires: [["fn"]],
    },
    { id: "fn", type: "function", func, outputs: 1, libs: [], x: 2, y: 1, wires: [["out"]] },
    { id: "out", type: "metric out", metric: "value", unit: "", x: 3, y: 1, wires: [] },
  ];
}

const loud: typeof silentLogger = (() => {
  const say = (level: string) => (fields: object, sentence: string) => console.error(level, sentence, JSON.stringify(fields));
  return { error: say("E"), warn: say("W"), info: say("I"), debug: say("D"), child: () => loud } as typeof silentLogger;
})();
