import type { Device } from "../device.ts";

export interface UpsReadings {
  readonly onBattery: () => boolean;
  readonly secondsOnBattery: () => number;
  readonly minutesRemaining: () => number;
  readonly chargePercent: () => number;
  readonly batteryDecivolts: () => number;
  readonly temperatureCelsius: () => number;
  readonly inputVolts: () => number;
  readonly inputDecihertz: () => number;
  readonly outputWatts: () => number;
  readonly loadPercent: () => number;
}

export const upsTraps = { onBattery: "1.3.6.1.2.1.33.2.1", alarmEntryAdded: "1.3.6.1.2.1.33.2.3", alarmEntryRemoved: "1.3.6.1.2.1.33.2.4" };
export const upsObjects = {
  minutesRemaining: "1.3.6.1.2.1.33.1.2.3.0",
  secondsOnBattery: "1.3.6.1.2.1.33.1.2.2.0",
  lowBattVoltage: "1.3.6.1.2.1.33.1.9.9.0",
  alarmId: "1.3.6.1.2.1.33.1.6.2.1.1",
  alarmDescr: "1.3.6.1.2.1.33.1.6.2.1.2",
  alarmOnBattery: "1.3.6.1.2.1.33.1.6.3.2",
};

/** UPS-MIB (RFC 1628). Units as the MIB has them: 0.1 V of the battery, 0.1 Hz, 0.1 A, whole volts and watts. */
export function addUps(device: Device, ups: UpsReadings): void {
  device.tree
    .scalars("1.3.6.1.2.1.33.1.1", [
      [1, "octet-string", () => "Example Power"],
      [2, "octet-string", () => device.identity.model],
      [3, "octet-string", () => device.firmware],
      [4, "octet-string", () => "1.4"],
      [5, "octet-string", () => device.sysName],
      [6, "octet-string", () => "switch, router, NAS"],
    ])
    .scalars("1.3.6.1.2.1.33.1.2", [
      [1, "integer", () => (ups.chargePercent() < 2 ? 4 : ups.onBattery() && ups.minutesRemaining() <= 5 ? 3 : 2)],
      [2, "integer", ups.secondsOnBattery],
      [3, "integer", ups.minutesRemaining],
      [4, "integer", ups.chargePercent],
      [5, "integer", ups.batteryDecivolts],
      [6, "integer", () => (ups.onBattery() ? -Math.round((ups.outputWatts() * 10) / 24) : 2)],
      [7, "integer", ups.temperatureCelsius],
    ])
    .scalars("1.3.6.1.2.1.33.1.3", [
      [1, "counter32", () => 2],
      [2, "integer", () => 1],
    ])
    .table("1.3.6.1.2.1.33.1.3.3.1", [1], (line) => line, [
      [2, "integer", ups.inputDecihertz],
      [3, "integer", ups.inputVolts],
      [4, "integer", () => (ups.onBattery() ? 0 : Math.round((ups.outputWatts() * 10) / 225))],
      [5, "integer", () => (ups.onBattery() ? 0 : ups.outputWatts())],
    ])
    .scalars("1.3.6.1.2.1.33.1.4", [
      [1, "integer", () => (ups.chargePercent() <= 0 ? 2 : ups.onBattery() ? 5 : 3)],
      [2, "integer", () => 500],
      [3, "integer", () => 1],
    ])
    .table("1.3.6.1.2.1.33.1.4.4.1", [1], (line) => line, [
      [2, "integer", () => (ups.chargePercent() <= 0 ? 0 : 230)],
      [3, "integer", () => Math.round((ups.outputWatts() * 10) / 230)],
      [4, "integer", ups.outputWatts],
      [5, "integer", ups.loadPercent],
    ])
    .scalars("1.3.6.1.2.1.33.1.6", [[1, "gauge32", () => (ups.onBattery() ? 1 : 0)]])
    .table("1.3.6.1.2.1.33.1.6.2.1", [1], (alarm) => alarm, [
      [2, "oid", () => (ups.onBattery() ? upsObjects.alarmOnBattery : undefined)],
      [3, "timeticks", () => (ups.onBattery() ? device.upTimeTicks - ups.secondsOnBattery() * 100 : undefined)],
    ])
    .scalars("1.3.6.1.2.1.33.1.9", [
      [1, "integer", () => 230],
      [3, "integer", () => 230],
      [5, "integer", () => 1_500],
      [6, "integer", () => 1_000],
      [7, "integer", () => 5],
    ]);
}
