import { isGatewayError } from "#model/errors.ts";
import type { Varbind } from "#ports/snmp.ts";
import { isBelow } from "../oid.ts";
import type { Exchange } from "../session/exchange.ts";

/** Where an OID of a profile really is on one device, with what it answered first. */
export type Found =
  | { readonly is: "instance"; readonly column: string; readonly index: string; readonly sample: Varbind }
  | { readonly is: "column"; readonly column: string; readonly sample: Varbind };

/**
 * Finds scalars as files write them: with the instance, without the `.0`, or what is really a column. OIDs that the device does not have
 * are absent. @throws GatewayError driver.* when the agent stops answering
 */
export async function findScalars(oids: readonly string[], exchange: Exchange): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>();
  const missing = (): readonly string[] => [...new Set(oids)].filter((oid) => !found.has(oid));
  for (const suffix of ["", ".0"]) {
    const wanted = missing();
    const answers = await ask(wanted, exchange, (batch) =>
      exchange.session.get(
        batch.map((oid) => oid + suffix),
        exchange.signal,
      ),
    );
    for (const [oid, sample] of answers) {
      const instance = oid + suffix;
      const cut = instance.lastIndexOf(".");
      if (isValue(sample)) found.set(oid, { is: "instance", column: instance.slice(0, cut), index: instance.slice(cut + 1), sample });
    }
  }
  for (const [oid, sample] of await firstBelow(missing(), exchange)) found.set(oid, { is: "column", column: oid, sample });
  return found;
}

/** The first value below each column; columns that the device does not have are absent. @throws GatewayError driver.* */
export async function firstBelow(oids: readonly string[], exchange: Exchange): Promise<ReadonlyMap<string, Varbind>> {
  const answers = await ask([...new Set(oids)], exchange, (batch) => exchange.session.getNext(batch, exchange.signal));
  return new Map([...answers].filter(([oid, answer]) => isBelow(answer.oid, oid) && isValue(answer)));
}

/** A question that an agent chokes on costs its batch only. */
const batchSize = 100;

async function ask(
  oids: readonly string[],
  exchange: Exchange,
  question: (batch: readonly string[]) => Promise<readonly Varbind[]>,
): Promise<Map<string, Varbind>> {
  const answers = new Map<string, Varbind>();
  for (let start = 0; start < oids.length; start += batchSize) {
    const batch = oids.slice(start, start + batchSize);
    try {
      for (const [position, answer] of (await question(batch)).entries()) {
        const oid = batch[position];
        if (oid !== undefined) answers.set(oid, answer);
      }
    } catch (error) {
      if (!isGatewayError(error) || error.retryable || exchange.signal.aborted) throw error;
    }
  }
  return answers;
}

function isValue({ type, value }: Varbind): boolean {
  return value !== undefined && type !== "null";
}
