import type { Device } from "../../../drivers/simulated/device.ts";
import type { Office } from "../../../drivers/simulated/office.ts";
import type { HostNetwork, HostNetworkReading } from "../../../runtime/ports/host-network.ts";

/** What lies behind the site's router, as a fault may leave it. */
export interface Provider {
  /** The provider's network behind the access line. */
  isUp: boolean;
  /** Of everything that crosses the access line. */
  lossPercent: number;
  extraDelayMs: number;
  /** The provider's name servers, which the router asks. `wrong`: they answer with another address. */
  names: "right" | "wrong" | "silent";
  /** One remote service that the customer lives on. */
  saas: { isUp: boolean; delayMs: number; status: number; certificateDays: number; certificateIsTrusted: boolean };
  /** The NOC's broker and everything else there. */
  nocIsUp: boolean;
  timeServerIsUp: boolean;
}

export const routerAddress = "192.0.2.1";
/** Behind the line, and far out. */
export const ispAddress = "198.51.100.1";
export const publicAddress = "203.0.113.8";

export type WayOut = "ok" | "no-link" | "lan" | "line" | "isp" | "lost";

/** Addresses as the site's plan has them (drivers/simulated/office.ts). */
export function addressOf(device: Device): string {
  return device.identity.id === "fw-1" ? routerAddress : `192.0.2.${10 + device.identity.number}`;
}

/** Where packets of the gateway get: along cables that are plugged, through switches that have power, out by the router and the line. */
export class SiteNetwork implements HostNetwork {
  readonly office: Office;
  readonly provider: Provider = {
    isUp: true,
    lossPercent: 0,
    extraDelayMs: 0,
    names: "right",
    saas: { isUp: true, delayMs: 80, status: 200, certificateDays: 80, certificateIsTrusted: true },
    nocIsUp: true,
    timeServerIsUp: true,
  };
  /** By DHCP. */
  gatewayAddress = "192.0.2.9";
  /** The gateway's own cable into the first switch. */
  gatewayIsPlugged = true;
  /** Uniform in [0, 1). */
  readonly #random: () => number;
  readonly #byAddress: ReadonlyMap<string, Device>;

  constructor(office: Office, random: () => number) {
    this.office = office;
    this.#random = random;
    this.#byAddress = new Map(office.model.devices.map((device) => [addressOf(device), device]));
  }

  /** Who answers at an address of the site now; undefined = nobody. */
  answering(address: string): Device | undefined {
    this.office.model.settle();
    const device = this.#byAddress.get(address);
    return device !== undefined && this.#reached().has(device) && !this.office.model.isDark(device) ? device : undefined;
  }

  /** One packet out and its answer back. */
  wayOut(): WayOut {
    const { router } = this.office;
    if (!this.#hasLink()) return "no-link";
    if (this.answering(routerAddress) === undefined) return "lan";
    if (!router.wan.up) return "line";
    if (!this.provider.isUp) return "isp";
    return this.#random() * 100 < this.provider.lossPercent ? "lost" : "ok";
  }

  /** The line to the NOC as a whole, loss left aside: TCP repeats. */
  reachesNoc(): boolean {
    const way = this.wayOut();
    return (way === "ok" || way === "lost") && this.provider.nocIsUp && this.provider.lossPercent < 60;
  }

  async read(): Promise<HostNetworkReading> {
    const hasLink = this.#hasLink();
    return {
      interfaces: [{ name: "eth0", up: true, carrier: hasLink, addresses: [this.gatewayAddress] }],
      ...(hasLink ? { defaultRoute: { gateway: routerAddress, interfaceName: "eth0" } } : {}),
      gatewayNeighbour: this.answering(routerAddress) === undefined ? "failed" : "reachable",
      resolvers: [routerAddress],
    };
  }

  #hasLink(): boolean {
    this.office.model.settle();
    return this.gatewayIsPlugged && !this.office.model.isOff(this.office.switch.device);
  }

  #reached(): ReadonlySet<Device> {
    const { model, switch: first } = this.office;
    const reached = new Set<Device>();
    if (!this.#hasLink()) return reached;
    const queue = [first.device];
    for (let device = queue.pop(); device !== undefined; device = queue.pop()) {
      if (reached.has(device)) continue;
      reached.add(device);
      // Only switches pass packets on.
      if (device.identity.kind !== "switch") continue;
      for (const { near, nearDevice, far } of model.cables) {
        if (far === undefined || !near.up || !far.port.up) continue;
        if (nearDevice === device) queue.push(far.device);
        if (far.device === device) queue.push(nearDevice);
      }
    }
    return reached;
  }
}
