import type { Device, SiteTime } from "./device.ts";
import type { Flow } from "./load.ts";
import type { Port } from "./port.ts";

/** Something that counts on by itself: traffic, pages, a battery. */
export interface Evolving {
  advanceTo(elapsedMs: number): void;
}

/** A wire between a port of the switch and a port of a device, or a socket in the wall when `device` is absent. */
export interface Cable {
  readonly near: Port;
  readonly nearDevice: Device;
  readonly far?: { readonly device: Device; readonly port: Port };
  plugged: boolean;
  /** The powered device behind it hangs: link and power are there, traffic is not. */
  silent: boolean;
}

interface Transition {
  readonly atMs: number;
  readonly change: () => void;
}

const maxTransitions = 1_024;
const linkDownOid = "1.3.6.1.6.3.1.1.5.3";
const linkUpOid = "1.3.6.1.6.3.1.1.5.4";

/**
 * The site as a whole: devices, wires and traffic on one time line. Nothing happens by itself; `settle` carries everything to the present,
 * stopping at each planned transition, so that the outcome depends on (seed, clock, faults) alone and not on who asked when.
 */
export class SiteModel {
  readonly devices: Device[] = [];
  readonly cables: Cable[] = [];
  readonly flows: { readonly flow: Flow; readonly path: readonly Port[] }[] = [];
  readonly evolving: Evolving[] = [];
  /** Who feeds whom: a UPS, or a switch by PoE. */
  readonly powerSource = new Map<Device, Device>();
  readonly time: SiteTime;
  readonly #readElapsedMs: () => number;
  readonly #startWallMs: number;
  readonly #off = new Set<Device>();
  /** Dark because their source is. */
  readonly #starved = new Set<Device>();
  readonly #planned: Transition[] = [];
  #nowMs = 0;

  /** @param readElapsedMs monotonic, since the site's start @param startWallMs Unix ms at the site's start */
  constructor(readElapsedMs: () => number, startWallMs: number) {
    this.#readElapsedMs = readElapsedMs;
    this.#startWallMs = startWallMs;
    this.time = { elapsedMs: () => this.#nowMs, wallMs: () => startWallMs + this.#nowMs };
  }

  /** Time of day at the start, UTC milliseconds. */
  get dayStartMs(): number {
    return this.#startWallMs % 86_400_000;
  }

  settle(): void {
    const targetMs = this.#readElapsedMs();
    for (let next = this.#planned[0]; next !== undefined && next.atMs <= targetMs; next = this.#planned[0]) {
      this.#planned.shift();
      this.#advance(next.atMs);
      next.change();
      this.#rewire();
    }
    this.#advance(targetMs);
  }

  /** Something is done to the site now. */
  change(change: () => void): void {
    this.settle();
    change();
    this.#rewire();
  }

  /** Something will happen by itself, `ms` after the present of the site. */
  after(ms: number, change: () => void): void {
    if (this.#planned.length >= maxTransitions) return;
    const atMs = this.#nowMs + ms;
    const position = this.#planned.findIndex((other) => other.atMs > atMs);
    this.#planned.splice(position < 0 ? this.#planned.length : position, 0, { atMs, change });
  }

  isOff(device: Device): boolean {
    return this.#off.has(device);
  }

  /** Within `change`: the device loses power, or gets it back and boots; what it feeds goes with it. */
  setPower(device: Device, on: boolean): void {
    if (on === !this.#off.has(device)) return;
    const fed = [...this.powerSource].filter(([, source]) => source === device).map(([each]) => each);
    if (!on) {
      this.#off.add(device);
      for (const each of fed.filter((one) => !this.#off.has(one))) {
        this.#starved.add(each);
        this.setPower(each, false);
      }
      return;
    }
    this.#off.delete(device);
    device.reboot();
    device.emitTrap({ oid: "1.3.6.1.6.3.1.1.5.1", varbinds: [] });
    for (const each of fed.filter((one) => this.#starved.delete(one))) this.setPower(each, true);
  }

  /** No answer to expect: no power, or hanging. */
  isDark(device: Device): boolean {
    return this.#off.has(device) || this.cables.some((cable) => cable.silent && cable.far?.device === device);
  }

  cableOf(port: Port): Cable | undefined {
    return this.cables.find((cable) => cable.near === port);
  }

  #advance(elapsedMs: number): void {
    if (elapsedMs <= this.#nowMs) return;
    for (const { flow } of this.flows) flow.advanceTo(elapsedMs);
    for (const each of this.evolving) each.advanceTo(elapsedMs);
    this.#nowMs = elapsedMs;
  }

  /** Links follow power, plugs and administrative state; traffic follows links. */
  #rewire(): void {
    for (const cable of this.cables) {
      const { near, nearDevice, far } = cable;
      const powered = !this.isOff(nearDevice) && (far === undefined || !this.isOff(far.device));
      this.#link(nearDevice, near, powered && cable.plugged && (far?.port.adminUp ?? true));
      if (far !== undefined) this.#link(far.device, far.port, powered && cable.plugged && near.adminUp);
    }
    const silent = new Set(this.cables.filter((cable) => cable.silent).map((cable) => cable.near));
    for (const { flow, path } of this.flows) flow.enabled = path.every((port) => port.up && !silent.has(port));
  }

  #link(device: Device, port: Port, linked: boolean): void {
    const before = port.operational;
    port.linked = linked;
    port.operational = port.up;
    if (before === port.operational) return;
    port.lastChangeTicks = device.upTimeTicks;
    if (this.isOff(device)) return;
    device.emitTrap({
      oid: port.operational ? linkUpOid : linkDownOid,
      varbinds: [
        { oid: `1.3.6.1.2.1.2.2.1.1.${port.index}`, type: 0x02, value: port.index },
        { oid: `1.3.6.1.2.1.2.2.1.7.${port.index}`, type: 0x02, value: port.adminUp ? 1 : 2 },
        { oid: `1.3.6.1.2.1.2.2.1.8.${port.index}`, type: 0x02, value: port.operational ? 1 : 2 },
        { oid: `1.3.6.1.2.1.31.1.1.1.1.${port.index}`, type: 0x04, value: port.options.name },
      ],
    });
  }
}
