import type { AnsweredVarbind } from "./answering.ts";
import { ObjectTree } from "./object-tree.ts";
import type { Port } from "./port.ts";
import { normalAt, seedOf } from "./random.ts";

/** IANA's number for examples (RFC 5612): the simulated vendor. */
export const exampleVendor = "1.3.6.1.4.1.32473";

/** The site's own time line. */
export interface SiteTime {
  /** Milliseconds since the site's start. */
  elapsedMs(): number;
  /** Unix ms. */
  wallMs(): number;
}

export interface DeviceIdentityOptions {
  readonly id: string;
  /** 0..7: its place in the site, its UDP port's offset and its share of the MAC addresses. */
  readonly number: number;
  readonly kind: SimulatedKind;
  readonly sysName: string;
  readonly sysDescr: string;
  /** Below exampleVendor. */
  readonly productArc: string;
  readonly model: string;
  readonly firmware: string;
  readonly location: string;
}

export type SimulatedKind = "switch" | "ups" | "printer" | "nas" | "access-point" | "router" | "camera";

export interface OutgoingTrap {
  readonly oid: string;
  readonly varbinds: readonly AnsweredVarbind[];
}

/** What every simulated device has: an identity, an uptime, ports, and a tree to be asked. */
export class Device {
  readonly identity: DeviceIdentityOptions;
  readonly seed: number;
  readonly tree = new ObjectTree();
  readonly ports: Port[] = [];
  readonly time: SiteTime;
  serial: string;
  firmware: string;
  sysName: string;
  location: string;
  contact = "it@example.org";
  engineBoots: number;
  /** Which unit stands there: grows when it is exchanged for another of the same model. */
  unit = 1;
  /** Set by the site: sends a trap if a target is configured. */
  emitTrap: (trap: OutgoingTrap) => void = () => undefined;
  #bootedAtMs: number;

  constructor(identity: DeviceIdentityOptions, siteSeed: number, time: SiteTime) {
    this.identity = identity;
    this.seed = seedOf(`${siteSeed}/${identity.id}`);
    this.time = time;
    this.serial = `SIM${this.seed.toString(36).toUpperCase().padStart(7, "0")}`;
    this.firmware = identity.firmware;
    this.sysName = identity.sysName;
    this.location = identity.location;
    this.engineBoots = 3 + (this.seed % 20);
    this.#bootedAtMs = -86_400_000 * (5 + 20 * Math.abs(normalAt(this.seed, 1)));
  }

  /** sysUpTime, hundredths of a second, modulo 2^32. */
  get upTimeTicks(): number {
    return Math.floor((this.time.elapsedMs() - this.#bootedAtMs) / 10) % 2 ** 32;
  }

  get upTimeS(): number {
    return Math.floor((this.time.elapsedMs() - this.#bootedAtMs) / 1_000);
  }

  /** Hexadecimal: the example enterprise, format "text" (RFC 3411 SnmpEngineID), unique by id and seed. */
  get engineId(): string {
    return `80007ed904${Buffer.from(`${this.identity.id.slice(0, 12)}-${this.seed.toString(36)}${this.unit}`).toString("hex")}`;
  }

  /** The uptime becomes this: 497 days are 2^32 ticks, and their end is worth trying. */
  setUpTime(ms: number): void {
    this.#bootedAtMs = this.time.elapsedMs() - ms;
  }

  port(index: number): Port | undefined {
    return this.ports.find((port) => port.index === index);
  }

  /** The agent starts anew: uptime and counters at 0, boots + 1. */
  reboot(): void {
    this.#bootedAtMs = this.time.elapsedMs();
    this.engineBoots += 1;
    for (const port of this.ports) {
      port.resetCounters();
      port.discontinuityTicks = 0;
      port.lastChangeTicks = 0;
    }
  }

  /** From IANA's block for documentation (RFC 7042 2.1.1), 32 a device: not locally administered, so it counts as an identity. */
  mac(offset: number): Buffer {
    return Buffer.from([0x00, 0x00, 0x5e, 0x00, 0x53, (this.identity.number * 32 + offset) & 0xff]);
  }
}
