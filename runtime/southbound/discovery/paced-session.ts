import { GatewayError } from "#model/errors.ts";
import type { SnmpSession } from "#ports/snmp.ts";
import type { Pace } from "./pace.ts";

/**
 * A session that asks within discovery's packet budget and never writes. One request is paid before it goes; what it cost more (retries,
 * a GET that had to be split) is charged afterwards, so that others wait for it.
 */
export function pacedSession(session: SnmpSession, pace: Pace): SnmpSession {
  let counted = session.counters();
  const settle = (): void => {
    const now = session.counters();
    const retries = now.retries - counted.retries;
    const packets = now.requests - counted.requests + retries;
    // A device that answered tells of the network: its lost packets are losses, its first answers are not.
    const answered = now.bytesIn !== undefined && now.bytesIn > 0;
    if (answered) {
      for (let index = 0; index < Math.min(8, retries); index++) pace.loss.note(false);
      if (now.bytesIn !== counted.bytesIn) pace.loss.note(true);
    }
    counted = now;
    if (packets > 1) pace.charge(packets - 1);
  };
  const paced = async <T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> => {
    await pace.packet(signal);
    try {
      return await ask();
    } finally {
      settle();
    }
  };
  const batches = async function* <T>(walk: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
    const parts = walk[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await paced(signal, () => parts.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await parts.return?.();
    }
  };
  const { walkTogether } = session;
  return {
    get: (oids, signal) => paced(signal, () => session.get(oids, signal)),
    getNext: (oids, signal) => paced(signal, () => session.getNext(oids, signal)),
    readTable: (plan, deadlineMs, signal) => paced(signal, () => session.readTable(plan, deadlineMs, signal)),
    walk: (root, limits, signal) => batches(session.walk(root, limits, signal), signal),
    ...(walkTogether === undefined
      ? {}
      : { walkTogether: (roots, limits, signal) => batches(walkTogether.call(session, roots, limits, signal), signal) }),
    set: () => Promise.reject(new GatewayError("driver.refused", { message: "discovery never writes" })),
    counters: () => session.counters(),
    engine: () => session.engine(),
    close: () => session.close(),
  };
}
