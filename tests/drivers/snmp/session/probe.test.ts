import { describe, expect, it } from "vitest";
import { createSnmpDriver } from "../../../../drivers/snmp/snmp-driver.ts";
import type { Equipment, EquipmentId } from "../../../../runtime/model/equipment.ts";
import { type ErrorCode, GatewayError } from "../../../../runtime/model/errors.ts";
import type { SnmpEngine, SnmpSession } from "../../../../runtime/ports/snmp.ts";
import { seededEntropy } from "../../../sim/seeded-entropy.ts";
import { silentLogger } from "../../../sim/silent-logger.ts";
import { VirtualClock } from "../../../sim/virtual-clock.ts";

/** An agent that meets every question with this. */
function agentThat(code: ErrorCode): SnmpEngine {
  const session: Partial<SnmpSession> = {
    get: () => Promise.reject(new GatewayError(code)),
    close: () => undefined,
  };
  return { open: () => session as SnmpSession, close: async () => undefined };
}

function probe(code: ErrorCode): Promise<boolean> {
  const equipment: Equipment = {
    id: "sw-1" as EquipmentId,
    address: "192.0.2.1",
    port: 161,
    driver: "snmp",
    credential: "lan",
    pollIntervalMs: 60_000,
  };
  const driver = createSnmpDriver({ engine: agentThat(code) });
  const session = driver.open(equipment, {
    ...{ clock: new VirtualClock(), entropy: seededEntropy(1), logger: silentLogger },
    credential: (name) => ({ name, snmp: { version: "2c", community: "public" } }),
  });
  if (session.probe === undefined) throw new Error("the SNMP driver has no probe");
  return session.probe(new AbortController().signal);
}

describe("a sign of life", () => {
  it("is missing when nobody answers, in the words of the engine", async () => {
    await expect(probe("driver.timeout")).rejects.toMatchObject({ code: "driver.timeout" });
  });

  it("tells refused keys and a closed way from silence", async () => {
    await expect(probe("driver.auth")).rejects.toMatchObject({ code: "driver.auth" });
    await expect(probe("driver.unreachable")).rejects.toMatchObject({ code: "driver.unreachable" });
  });
});
