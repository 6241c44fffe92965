import type { Direction, Flow } from "./load.ts";

export interface PortCounters {
  readonly in: Direction;
  readonly out: Direction;
}

export interface PortOptions {
  readonly index: number;
  readonly name: string;
  readonly descr: string;
  readonly alias: string;
  /** IANAifType: 6 ethernetCsmacd, 24 softwareLoopback, 71 ieee80211. */
  readonly type: number;
  readonly speedMbit: number;
  readonly mac: Buffer;
  readonly flows: readonly Flow[];
  /** Does the client hang behind this port (`in` = up), or the network (`in` = down)? */
  readonly side: "client" | "network";
  /** Behind a switch, which passes no damaged frames on. */
  readonly behindSwitch?: true;
}

const directions = ["octets", "unicast", "multicast", "broadcast", "errors"] as const;

/** One interface. Its counters are those of the flows that cross it, less what was there at the last reset. */
export class Port {
  readonly options: PortOptions;
  alias: string;
  adminUp = true;
  /** Is something plugged in and awake? */
  linked = true;
  /** `up` as it was when the site last looked at its wires: tells a change. */
  operational = true;
  /** Of the device: sysUpTime ticks of the last change of the operational state. */
  lastChangeTicks = 0;
  /** sysUpTime ticks of the last counter reset; 0 = since the agent's start. */
  discontinuityTicks = 0;
  fullDuplex = true;
  readonly #start: PortCounters = { in: emptyDirection(), out: emptyDirection() };

  constructor(options: PortOptions) {
    this.options = options;
    this.alias = options.alias;
  }

  get index(): number {
    return this.options.index;
  }

  get up(): boolean {
    return this.adminUp && this.linked;
  }

  /** Octets per second right now, both directions. */
  get rate(): { readonly in: number; readonly out: number } {
    let up = 0;
    let down = 0;
    for (const flow of this.options.flows) {
      up += flow.upOctetsPerS;
      down += flow.downOctetsPerS;
    }
    return this.options.side === "client" ? { in: up, out: down } : { in: down, out: up };
  }

  counter(side: "in" | "out", what: keyof Direction): bigint {
    return BigInt(Math.max(0, Math.floor(this.#total(side, what) - this.#start[side][what])));
  }

  /** The counters begin again at 0, or as if the device had run for `seconds` already. */
  resetCounters(seconds = 0): void {
    for (const side of ["in", "out"] as const) {
      for (const what of directions) this.#start[side][what] = this.#total(side, what);
    }
    if (seconds === 0 || this.options.flows.length === 0) return;
    const rate = this.rate;
    for (const side of ["in", "out"] as const) {
      const octets = (rate[side] + 60) * seconds;
      this.#start[side].octets -= octets;
      this.#start[side].unicast -= octets / 600;
      this.#start[side].multicast -= 0.4 * seconds;
      this.#start[side].broadcast -= 0.9 * seconds;
    }
  }

  #total(side: "in" | "out", what: keyof Direction): number {
    const fromClient = (side === "in") === (this.options.side === "client");
    let total = 0;
    for (const flow of this.options.flows) total += flow[fromClient ? "up" : "down"][what];
    // Damaged frames are seen by the port that receives them, not by those behind it.
    return what === "errors" && (side === "out" || this.options.side === "network" || this.options.behindSwitch === true) ? 0 : total;
  }
}

function emptyDirection(): Direction {
  return { octets: 0, unicast: 0, multicast: 0, broadcast: 0, errors: 0 };
}
