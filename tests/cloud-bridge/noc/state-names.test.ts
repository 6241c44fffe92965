import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { viewLastValues } from "../../../cloud-bridge/noc/registry/last-values.ts";
import { PlotReader } from "../../../cloud-bridge/noc/registry/points.ts";
import type { Inventory } from "../../../runtime/model/observation.ts";
import { IngestKit } from "./ingest-kit.ts";
import { equipmentId, instant, SmallGateway, switchReport, switchShape } from "./small-gateway.ts";

const start = 1_799_992_800_000;
const shape = switchShape("sw-1", 1, 60_000);
const at = (poll: number) => ({ wallMs: start + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 });

function inventory(enumerations: Inventory["enumerations"]): Inventory {
  return {
    kind: "inventory",
    equipment: equipmentId("sw-1"),
    observedAt: instant(at(0)),
    identity: { deviceClass: "switch", evidence: [] },
    components: [],
    ...(enumerations === undefined ? {} : { enumerations }),
    changes: [],
  };
}

describe("the names of states", () => {
  let kit: IngestKit;
  let gateway: SmallGateway;

  beforeEach(async () => {
    kit = new IngestKit();
    gateway = new SmallGateway("gw-one");
    for (const poll of [0, 1])
      await kit.receive("tm", ...gateway.poll(switchReport(shape, at(poll), poll, 20, 9)).map((chunk) => chunk.bytes));
  });
  afterEach(() => kit.close());

  const state = async () => {
    const { ref } = await kit.gateway();
    const query = { gatewayRef: ref, search: "ifOperStatus", limit: 1 };
    const [value] = await viewLastValues(kit.store.read, query);
    const reader = new PlotReader(kit.store.read, kit.decoder, kit.clock);
    const series = await kit.store.read.series(query);
    const range = { gatewayRef: ref, fromMs: at(0).wallMs, toMs: at(5).wallMs, maxPoints: 100 };
    const plot = await reader.read({ ...range, series }, new AbortController().signal);
    return { value, states: plot.series[0]?.states };
  };
  const tell = async (enumerations: Inventory["enumerations"]) => {
    const chunk = gateway.tell(inventory(enumerations));
    await kit.receive("inv", chunk.bytes);
  };

  it("travel with the inventory and stand beside the number, in the list and in the plot", async () => {
    await tell({ ifOperStatus: { "1": "up", "9": "priming the pump" }, other: { "9": "no" } });
    const { value, states } = await state();
    expect(value).toMatchObject({ value: 9, text: "priming the pump" });
    expect(states).toEqual({ "1": "up", "9": "priming the pump" });
  });

  it("are absent where the gateway did not say them", async () => {
    await tell(undefined);
    const { value, states } = await state();
    expect(value).toMatchObject({ value: 9 });
    expect(value).not.toHaveProperty("text");
    expect(states).toBeUndefined();
  });

  it("are left out where they are not names, whatever a gateway sends", async () => {
    const nonsense = { ifOperStatus: { "9": { toString: 1 }, "8": 7, __proto__: "x" }, constructor: 4 };
    await tell(nonsense as unknown as Inventory["enumerations"]);
    const { value, states } = await state();
    expect(value).not.toHaveProperty("text");
    expect(states).toBeUndefined();
  });
});
