import type { Equipment } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import type { Driver, DriverContext, DriverSession } from "#ports/driver.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { Identifier } from "./inventory/facts.ts";
import { builtInSets } from "./metric-sets/built-in-sets.ts";
import type { MetricSet } from "./metric-sets/metric-set.ts";
import { EquipmentSession } from "./session/equipment-session.ts";
import { parseSettings, settingsSchema } from "./settings.ts";

export interface SnmpDriverParts {
  readonly engine: SnmpEngine;
  /** Sets besides the built-in ones: what loaded profiles add. They never switch a built-in set off. */
  readonly sets?: readonly MetricSet[];
  /** What knows devices better than the built-in rules: loaded profiles. */
  readonly identifiers?: readonly Identifier[];
}

/** Polls anything that speaks SNMP. What a device has is found by probing; the engine that carries the packets is given. */
export function createSnmpDriver(parts: SnmpDriverParts): Driver {
  const sets = [...builtInSets, ...(parts.sets ?? [])];
  return {
    name: "snmp",
    settingsSchema,
    open(equipment: Equipment, context: DriverContext): DriverSession {
      const { timeoutMs, retries } = parseSettings(equipment.settings);
      const credential = equipment.credential === undefined ? undefined : context.credential(equipment.credential).snmp;
      if (credential === undefined) {
        throw new GatewayError("config.secret", {
          message: "the snmp driver needs a credential with an snmp part",
          fields: { equipment: equipment.id },
        });
      }
      const snmp = parts.engine.open({ address: equipment.address, port: equipment.port, credential, timeoutMs, retries });
      return new EquipmentSession(equipment, context, { sets, identifiers: parts.identifiers ?? [], snmp });
    },
    close: () => parts.engine.close(),
  };
}
