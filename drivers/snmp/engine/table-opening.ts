import { GatewayError } from "#model/errors.ts";
import type { Varbind } from "#ports/snmp.ts";
import { pdu } from "./answer.ts";
import { tags } from "./ber.ts";
import type { Conversation } from "./conversation.ts";
import { currentVarbind } from "./get.ts";
import { encodeOid, sameBytes } from "./oid.ts";
import { nullVarbind } from "./request.ts";
import { readVarbind, varbindSpan } from "./values.ts";

/**
 * Single objects that a table read asks for along with its cells, as non-repeaters of one GETBULK: what a poll wants to know first costs no request of
 * its own. Non-repeaters are answered by what follows the name asked for, so that each is asked for without its last arc, which is 0.
 */
export interface Opening {
  readonly key: string;
  readonly oids: readonly string[];
  readonly names: readonly Uint8Array[];
  /** As they are asked for. */
  readonly varbinds: readonly Buffer[];
  /** What they take of an answer, at most by a wide margin. */
  readonly bytes: number;
}

/** Header bytes of a varbind, and a value: a number, or an OID of some length. */
const bytesBesideName = 24;

const known = new WeakMap<readonly string[], Opening>();

/** @param oids a list that is kept and never changed: of scalars, `.0` at their ends */
export function openingOf(oids: readonly string[]): Opening {
  const made = known.get(oids);
  if (made !== undefined) return made;
  const names = oids.map(encodeOid);
  const opening = {
    key: oids.join(),
    oids,
    names,
    varbinds: names.map((name) => nullVarbind(name.subarray(0, -1))),
    bytes: names.reduce((sum, name) => sum + name.length + bytesBesideName, 0),
  };
  known.set(oids, opening);
  return opening;
}

export interface OpeningAnswer {
  readonly varbinds: readonly Varbind[];
  readonly atMs: number;
  /** Where the rest of the answer begins. */
  readonly end: number;
}

/** Reads them at the beginning of an answer. undefined: they are not all there under their names, and nothing of them is believed. */
export function readOpening({ names, oids }: Opening, bytes: Uint8Array, conversation: Conversation): OpeningAnswer | undefined {
  const varbinds = new Array<Varbind>(names.length);
  let at = pdu.varbindsStart;
  for (let place = 0; place < names.length; place++) {
    const name = names[place];
    if (name === undefined || !readVarbind(bytes, at, pdu.varbindsEnd)) return undefined;
    const { nameStart, nameEnd, tag, end } = varbindSpan;
    if (tag >= tags.noSuchObject || !sameBytes(bytes, nameStart, nameEnd, name)) {
      conversation.peer.counters.oidViolations += 1;
      return undefined;
    }
    varbinds[place] = currentVarbind(bytes, conversation, oids[place]);
    at = end;
  }
  return { varbinds, atMs: conversation.nowMs(), end: at };
}

/** Before anything was sent: no GETBULK, no room in its answers, or exact instances are asked for just now. */
export function notOpened(): GatewayError {
  return new GatewayError("driver.unsupported", { message: "this agent cannot be asked for single objects along with a table" });
}
