import { type Device, exampleVendor } from "../device.ts";
import type { Port } from "../port.ts";

export interface PoePort {
  readonly port: Port;
  /** pethPsePortAdminEnable. */
  enabled: boolean;
  /** What is plugged in, milliwatts; 0 = no powered device. */
  readonly consumptionMw: () => number;
  /** pethPsePortPowerClassifications: class 0..4 = 1..5. */
  readonly powerClass: number;
}

/** POWER-ETHERNET-MIB (RFC 3621) and, below the example vendor, what it lacks: milliwatts per port. */
export function addPoe(
  device: Device,
  poePorts: readonly PoePort[],
  budgetW: number,
  setEnabled: (port: PoePort, enabled: boolean) => void,
  stray: { readonly milliwatts: number } = { milliwatts: 0 },
): void {
  const index = ({ port }: PoePort) => `1.${port.index}`;
  const delivering = (row: PoePort) => row.enabled && row.consumptionMw() > 0;
  const milliwatts = (row: PoePort) => (delivering(row) ? Math.round(row.consumptionMw()) : 0);
  device.tree.table("1.3.6.1.2.1.105.1.1.1", poePorts, index, [
    [
      3,
      "integer",
      (row) => (row.enabled ? 1 : 2),
      (row, value) => {
        if (value !== 1 && value !== 2) return false;
        setEnabled(row, value === 1);
        return true;
      },
    ],
    [6, "integer", (row) => (row.enabled ? (delivering(row) ? 3 : 2) : 1)],
    [7, "integer", () => 3],
    [9, "octet-string", (row) => row.port.alias],
    [10, "integer", (row) => (delivering(row) ? row.powerClass : undefined)],
  ]);
  const totalW = () => Math.round(poePorts.reduce((sum, row) => sum + milliwatts(row), stray.milliwatts) / 1_000);
  device.tree.table("1.3.6.1.2.1.105.1.3.1.1", [1], (group) => group, [
    [2, "gauge32", () => budgetW],
    [3, "integer", () => 1],
    [4, "gauge32", totalW],
    [5, "integer", () => 90],
  ]);
  device.tree.table(`${exampleVendor}.2.1.1`, poePorts, ({ port }) => port.index, [[2, "gauge32", milliwatts]]);
}
