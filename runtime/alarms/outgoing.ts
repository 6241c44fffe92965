import type { AlarmChange } from "#model/observation.ts";
import { type AlarmInstance, changeOf } from "./instance.ts";

/**
 * Changes that wait to be sent, in order. A further change of an alarm that still waits takes the place of the one before: what nobody saw
 * yet needs no history. A clear is never merged, so a raise and its clear are both told. Bounded by the list: two entries an alarm.
 */
export class Outgoing {
  readonly #waiting: { instance: AlarmInstance; change: AlarmChange }[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(instance: AlarmInstance, op: AlarmChange["op"]): void {
    const last = op === "change" ? this.#waiting.findLast((one) => one.instance === instance) : undefined;
    if (last === undefined) this.#waiting.push({ instance, change: changeOf(instance, op, instance.changedAt) });
    else last.change = changeOf(instance, last.change.op, instance.changedAt);
  }

  take(): readonly { readonly instance: AlarmInstance; readonly change: AlarmChange }[] {
    return this.#waiting.splice(0);
  }
}
