import type { Equipment } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import type { Driver, DriverContext, DriverSession } from "#ports/driver.ts";
import type { SnmpEngine } from "#ports/snmp.ts";
import type { ProfileSource } from "./inventory/facts.ts";
import { builtInSets } from "./metric-sets/built-in-sets.ts";
import { EquipmentSession } from "./session/equipment-session.ts";
import { KnownResults } from "./session/probe-tables.ts";
import { ReportCellsPool } from "./session/report-cells.ts";
import { parseSettings, settingsSchema } from "./settings.ts";

export interface SnmpDriverParts {
  readonly engine: SnmpEngine;
  /** Loaded profiles: they add sets and knowledge per device, and never switch a built-in set off. */
  readonly profiles?: ProfileSource;
}

/** Polls anything that speaks SNMP. What a device has is found by probing; the engine that carries the packets is given. */
export function createSnmpDriver(parts: SnmpDriverParts): Driver {
  const known = new KnownResults();
  const cells = new ReportCellsPool();
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
      return new EquipmentSession(equipment, context, { sets: builtInSets, profiles: parts.profiles, known, cells, snmp });
    },
    close: () => parts.engine.close(),
  };
}
