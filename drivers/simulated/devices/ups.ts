import type { Device } from "../device.ts";
import type { Flow } from "../load.ts";
import { addInterfaces } from "../mib/interfaces.ts";
import { addSystem } from "../mib/system.ts";
import { addUps, upsObjects, upsTraps } from "../mib/ups.ts";
import { Port } from "../port.ts";
import { wander } from "../random.ts";
import type { SiteModel } from "../site-model.ts";

const ratedWatts = 1_000;
/** Full battery at the usual load of about 30 %. */
const fullRuntimeS = 42 * 60;
const rechargeS = 4 * 3_600;
/** RFC 1628: upsTrapOnBattery is repeated every minute. */
const trapRepeatMs = 60_000;

export interface SimulatedUps {
  readonly device: Device;
  /** Within `SiteModel.change`. `chargePercent` starts the discharge from there. */
  readonly setOnBattery: (onBattery: boolean, chargePercent?: number) => void;
  /** What the battery is still good for, 1 = new. */
  readonly battery: { health: number };
}

/** A line-interactive UPS with RFC 1628's objects and traps. What it feeds goes dark with it when the battery is empty, and boots when mains is back. */
export function createUps(model: SiteModel, device: Device, flow: Flow): SimulatedUps {
  const mac = device.mac(0);
  device.ports.push(
    new Port({ index: 1, name: "eth0", descr: "Management", alias: "", type: 6, speedMbit: 100, mac, flows: [flow], side: "network" }),
  );
  let onBattery = false;
  let sinceMs = 0;
  let chargeThen = 100;
  const battery = { health: 1 };
  const { time, seed } = device;
  const watts = () => Math.round(wander(seed, time.elapsedMs(), 295, 25));
  const charge = () => {
    const seconds = (time.elapsedMs() - sinceMs) / 1_000;
    const perS = onBattery ? -(100 / (fullRuntimeS * battery.health)) * (watts() / 295) : 100 / rechargeS;
    return Math.max(0, Math.min(100, chargeThen + perS * seconds));
  };
  const minutesRemaining = () => Math.round(((charge() / 100) * fullRuntimeS * battery.health * (295 / watts())) / 60);
  const secondsOnBattery = () => (onBattery ? Math.floor((time.elapsedMs() - sinceMs) / 1_000) : 0);
  addSystem(device, 72);
  addInterfaces(device, (port, adminUp) => model.change(() => (port.adminUp = adminUp)));
  addUps(device, {
    onBattery: () => onBattery,
    secondsOnBattery,
    minutesRemaining,
    chargePercent: () => Math.floor(charge()),
    batteryDecivolts: () => Math.round(onBattery ? 225 + charge() * 0.3 : 272 + wander(seed + 9, time.elapsedMs(), 0, 1)),
    temperatureCelsius: () => Math.round(wander(seed + 2, time.elapsedMs(), 26, 1.5)),
    inputVolts: () => (onBattery ? 0 : Math.round(wander(seed + 3, time.elapsedMs(), 230, 2))),
    inputDecihertz: () => (onBattery ? 0 : Math.round(wander(seed + 4, time.elapsedMs(), 500, 0.5))),
    outputWatts: watts,
    loadPercent: () => Math.round((watts() / ratedWatts) * 100),
  });
  const announce = (onset: number) => {
    if (!onBattery || sinceMs !== onset || model.isOff(device)) return;
    if (charge() <= 0) {
      model.setPower(device, false);
      return;
    }
    device.emitTrap({
      oid: upsTraps.onBattery,
      varbinds: [
        { oid: upsObjects.minutesRemaining, type: 0x02, value: minutesRemaining() },
        { oid: upsObjects.secondsOnBattery, type: 0x02, value: secondsOnBattery() },
        { oid: "1.3.6.1.2.1.33.1.9.7.0", type: 0x02, value: 5 },
      ],
    });
    model.after(trapRepeatMs, () => announce(onset));
  };
  const alarmTrap = (oid: string) =>
    device.emitTrap({
      oid,
      varbinds: [
        { oid: `${upsObjects.alarmId}.1`, type: 0x02, value: 1 },
        { oid: `${upsObjects.alarmDescr}.1`, type: 0x06, value: upsObjects.alarmOnBattery },
      ],
    });
  const setOnBattery = (wanted: boolean, chargePercent?: number) => {
    const before = charge();
    const changed = wanted !== onBattery;
    if (changed || chargePercent !== undefined) {
      chargeThen = chargePercent ?? before;
      sinceMs = time.elapsedMs();
    }
    onBattery = wanted;
    // A charge set by hand begins another discharge, with its own announcements.
    if (!changed && wanted && chargePercent !== undefined) announce(sinceMs);
    if (!changed) return;
    alarmTrap(wanted ? upsTraps.alarmEntryAdded : upsTraps.alarmEntryRemoved);
    if (wanted) announce(sinceMs);
    else model.setPower(device, true);
  };
  return { device, setOnBattery, battery };
}
