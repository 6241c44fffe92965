import { createSocket } from "node:dgram";
import { type EquipmentId, isEquipmentId } from "../../../runtime/model/equipment.ts";
import type { Event } from "../../../runtime/model/observation.ts";
import type { EventSink } from "../../../runtime/ports/event-sink.ts";
import type { Unit } from "../../../runtime/ports/unit.ts";

export function equipmentId(text: string): EquipmentId {
  if (!isEquipmentId(text)) throw new Error(`${text} is no equipment id`);
  return text;
}

/** Keeps what it is offered, up to a bound, and counts the rest. */
export class CollectingSink implements EventSink {
  readonly events: Event[] = [];
  count = 0;

  offer(event: Event): void {
    this.count += 1;
    if (this.events.length < 10_000) this.events.push(event);
  }

  ofType(type: string): readonly Event[] {
    return this.events.filter((event) => event.type === type);
  }
}

export interface RunningUnit {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startReceiver(unit: Unit & { readonly listening: Promise<number> }): Promise<RunningUnit> {
  const ending = new AbortController();
  const running = unit.run(ending.signal);
  running.catch(() => undefined);
  const port = await Promise.race([unit.listening, running.then(() => 0)]);
  return {
    port,
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

export function sendDatagram(port: number, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.send(bytes, port, "127.0.0.1", (error) => {
      socket.close();
      if (error) reject(error);
      else resolve();
    });
  });
}

/** A small seeded generator for mutations: same seed, same run. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
