import { createMqttUplink, type MqttUplinkOptions } from "../../../cloud-bridge/uplink/mqtt-uplink.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import type { State } from "../../../runtime/ports/state.ts";
import type { InboundMessage, Uplink, UplinkSession } from "../../../runtime/ports/uplink.ts";
import { silentLogger } from "../../sim/silent-logger.ts";

export const clock = new SystemClock(() => true);

/** State in memory; survives as long as the test holds it. */
export function memoryState(): State {
  const entries = new Map<string, Uint8Array | string>();
  return {
    get: (key) => {
      const value = entries.get(key);
      return typeof value === "string" ? new TextEncoder().encode(value) : value;
    },
    getText: (key) => {
      const value = entries.get(key);
      return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
    },
    put: (changes) => {
      for (const [key, value] of Object.entries(changes)) {
        if (value === undefined) entries.delete(key);
        else entries.set(key, value);
      }
    },
    keys: (prefix, limit) => [...entries.keys()].filter((key) => key.startsWith(prefix)).slice(0, limit),
    close: () => undefined,
  };
}

export function uplinkTo(url: string, options: Partial<MqttUplinkOptions> = {}): Uplink {
  return createMqttUplink({ url, tenant: "acme", gateway: "gw-1", clock, logger: silentLogger, state: memoryState(), ...options });
}

export function connect(
  uplink: Uplink,
  onMessage: (message: InboundMessage) => void | Promise<void> = () => undefined,
): Promise<UplinkSession> {
  return uplink.connect(onMessage, new AbortController().signal);
}

/** A real clock that runs `factor` times as fast: thirty seconds of patience in half a second. */
export class HurriedClock implements Clock {
  readonly #factor: number;
  readonly #real = new SystemClock(() => true);

  constructor(factor: number) {
    this.#factor = factor;
  }

  now(): ReturnType<Clock["now"]> {
    return this.#real.now();
  }

  monotonicMs(): number {
    return this.#real.monotonicMs() * this.#factor;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#real.sleep(ms / this.#factor, signal);
  }

  anchors(): ReturnType<Clock["anchors"]> {
    return [];
  }
}

/** Polls until true. @throws Error after `limitMs` */
export async function until(condition: () => boolean, limitMs = 60_000): Promise<void> {
  const endMs = clock.monotonicMs() + limitMs;
  while (!condition()) {
    if (clock.monotonicMs() > endMs) throw new Error(`condition not met within ${limitMs} ms`);
    await clock.sleep(5, new AbortController().signal);
  }
}

/** The error of a promise that must fail. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}
