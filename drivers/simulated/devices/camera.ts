import type { Device } from "../device.ts";
import type { Flow } from "../load.ts";
import { addInterfaces } from "../mib/interfaces.ts";
import { addSystem } from "../mib/system.ts";
import { Port } from "../port.ts";
import { wander } from "../random.ts";
import type { SiteModel } from "../site-model.ts";

/** A PoE camera: the subject of "went silent, power-cycle its port". Temperature and storage in the objects of AXIS-VIDEO-MIB. */
export function createCamera(model: SiteModel, device: Device, flow: Flow): void {
  device.ports.push(
    new Port({
      index: 1,
      name: "eth0",
      descr: "eth0",
      alias: "",
      type: 6,
      speedMbit: 100,
      mac: device.mac(0),
      flows: [flow],
      side: "network",
    }),
  );
  addSystem(device, 72);
  addInterfaces(device, (port, adminUp) => model.change(() => (port.adminUp = adminUp)));
  device.tree
    .table("1.3.6.1.4.1.368.4.1.3.1", [1], (sensor) => `1.${sensor}`, [
      [4, "integer", () => Math.round(wander(device.seed, device.time.elapsedMs(), 43, 2))],
    ])
    .table("1.3.6.1.4.1.368.4.1.8.1", [1], (storage) => storage, [[3, "integer", () => 1]]);
}
