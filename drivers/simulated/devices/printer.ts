import type { Device } from "../device.ts";
import type { Flow } from "../load.ts";
import { diurnalFactor } from "../load.ts";
import { addInterfaces } from "../mib/interfaces.ts";
import { addPrinter, type InputTray, type Supply } from "../mib/printer.ts";
import { addSystem } from "../mib/system.ts";
import { Port } from "../port.ts";
import { uniformAt } from "../random.ts";
import type { Evolving, SiteModel } from "../site-model.ts";

const minuteMs = 60_000;
const tonerCapacity = 12_000;
const drumCapacity = 40_000;
const trayCapacity = 500;
/** Bits of hrPrinterDetectedErrorState. */
const errorBit = { noPaper: 1, lowToner: 2, noToner: 3, jammed: 5 } as const;

/** Pages, toner and paper; jobs come by the minute, more in office hours. */
export class PrinterState implements Evolving {
  pages: number;
  tonerUsed: number;
  sheets = 380;
  jammed = false;
  /** Someone refills the tray at 40 sheets, except during the fault "paper-empty". */
  refilled = true;
  printing = false;
  readonly #seed: number;
  readonly #dayStartMs: number;
  #minute = 0;

  constructor(seed: number, dayStartMs: number) {
    this.#seed = seed;
    this.#dayStartMs = dayStartMs;
    this.pages = 30_000 + Math.floor(uniformAt(seed, -1) * 60_000);
    this.tonerUsed = Math.floor(tonerCapacity * (0.25 + 0.3 * uniformAt(seed, -2)));
  }

  get tonerLevel(): number {
    return Math.max(0, tonerCapacity - this.tonerUsed);
  }

  get errorBits(): number[] {
    const set: number[] = [];
    if (this.sheets === 0) set.push(errorBit.noPaper);
    if (this.tonerLevel === 0) set.push(errorBit.noToner);
    else if (this.tonerLevel < tonerCapacity * 0.1) set.push(errorBit.lowToner);
    if (this.jammed) set.push(errorBit.jammed);
    return set;
  }

  setTonerPercent(percent: number): void {
    this.tonerUsed = Math.round(tonerCapacity * (1 - percent / 100));
  }

  advanceTo(elapsedMs: number): void {
    while ((this.#minute + 1) * minuteMs <= elapsedMs) {
      this.#minute += 1;
      this.#job(this.#minute);
    }
  }

  #job(minute: number): void {
    const dayMs = (this.#dayStartMs + minute * minuteMs) % 86_400_000;
    const ready = !this.jammed && this.sheets > 0 && this.tonerLevel > 0;
    this.printing = ready && uniformAt(this.#seed, 3 * minute) < 0.3 * diurnalFactor(dayMs);
    if (!this.printing) return;
    const sheets = Math.min(this.sheets, 1 + Math.floor(12 * uniformAt(this.#seed, 3 * minute + 1) ** 2));
    this.pages += sheets;
    this.sheets -= sheets;
    this.tonerUsed += sheets;
    if (this.refilled && this.sheets < 40) this.sheets = trayCapacity;
  }
}

export interface SimulatedPrinter {
  readonly device: Device;
  readonly state: PrinterState;
}

/** A monochrome laser printer. */
export function createPrinter(model: SiteModel, device: Device, flow: Flow): SimulatedPrinter {
  const state = new PrinterState(device.seed, model.dayStartMs);
  model.evolving.push(state);
  device.ports.push(
    new Port({
      index: 1,
      name: "eth0",
      descr: "Ethernet",
      alias: "",
      type: 6,
      speedMbit: 100,
      mac: device.mac(0),
      flows: [flow],
      side: "network",
    }),
  );
  const supplies: Supply[] = [
    { index: 1, description: "Black Toner Cartridge", type: 3, supplyClass: 3, capacity: tonerCapacity, level: () => state.tonerLevel },
    {
      index: 2,
      description: "Drum Unit",
      type: 9,
      supplyClass: 3,
      capacity: drumCapacity,
      level: () => drumCapacity - (state.pages % drumCapacity),
    },
    // Levels -3 "some remaining" are what many printers give for the waste box.
    { index: 3, description: "Waste Toner Box", type: 4, supplyClass: 4, capacity: -2, level: () => -3 },
  ];
  const trays: InputTray[] = [{ index: 1, name: "Tray 1", capacity: trayCapacity, level: () => state.sheets }];
  addSystem(device, 72);
  addInterfaces(device, (port, adminUp) => model.change(() => (port.adminUp = adminUp)));
  addPrinter(device, {
    printing: () => state.printing,
    pages: () => state.pages,
    supplies,
    trays,
    errorBits: () => state.errorBits,
    display: () => (state.jammed ? "Paper jam" : state.sheets === 0 ? "Load Tray 1" : state.printing ? "Printing" : "Ready"),
  });
  return { device, state };
}
