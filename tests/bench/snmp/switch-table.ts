import { encodeElement, encodeInteger, encodeUnsigned64, tags } from "../../../drivers/snmp/engine/ber.ts";
import { compareOids, encodeOid } from "../../../drivers/snmp/engine/oid.ts";
import { seeded } from "../../drivers/snmp/engine/mutating.ts";
import { columns, rows } from "./workload.ts";

/** All objects of a simulated switch, encoded once: answering is looking up and copying. */
export class SwitchTable {
  readonly #names: readonly Uint8Array[];
  readonly #varbinds: readonly Buffer[];
  readonly #places = new Map<string, number>();
  readonly #end: Buffer;

  constructor(seed: number) {
    const random = seeded(seed);
    const objects = columns.flatMap(({ oid, as }) =>
      rows.map((row) => {
        const name = encodeOid(`${oid}.${row}`);
        return { name, varbind: encodeElement(tags.sequence, encodeElement(tags.oid, name), value(oid, as, random)) };
      }),
    );
    const after = encodeOid("1.3.6.1.2.1.31.1.5.0");
    objects.push({ name: after, varbind: encodeElement(tags.sequence, encodeElement(tags.oid, after), encodeInteger(0, tags.timeTicks)) });
    objects.sort((a, b) => compareOids(a.name, 0, a.name.length, b.name));
    this.#names = objects.map(({ name }) => name);
    this.#varbinds = objects.map(({ varbind }) => varbind);
    for (const [place, name] of this.#names.entries()) this.#places.set(Buffer.from(name).toString("latin1"), place + 1);
    this.#end = encodeElement(tags.sequence, encodeElement(tags.oid, after), encodeElement(tags.endOfMibView));
  }

  /** Place of the first object behind a name. */
  after(bytes: Buffer, start: number, end: number): number {
    const known = this.#places.get(bytes.toString("latin1", start, end));
    if (known !== undefined) return known;
    const found = this.#names.findIndex((name) => compareOids(name, 0, name.length, bytes.subarray(start, end)) > 0);
    return found < 0 ? this.#names.length : found;
  }

  /** Place of the object with this name; -1 = none. */
  at(bytes: Buffer, start: number, end: number): number {
    return (this.#places.get(bytes.toString("latin1", start, end)) ?? 0) - 1;
  }

  varbind(place: number): Buffer {
    return this.#varbinds[place] ?? this.#end;
  }
}

/** As on a switch that is some weeks old: half of the ports idle, errors rare, octets large. */
function value(oid: string, as: "number" | "counter", random: () => number): Buffer {
  const isWide = /\.31\.1\.1\.1\.(6|7|8|9|10|11|12|13)$/.test(oid);
  const isRare = /\.2\.2\.1\.(13|14|19|20)$/.test(oid);
  if (as === "number") return encodeInteger(1 + Math.floor(random() * 2));
  if (random() < 0.3) return isWide ? encodeUnsigned64(0n) : encodeInteger(0, tags.counter32);
  if (isWide) return encodeUnsigned64(BigInt(Math.floor(10 ** (5 + random() * 9))));
  return encodeInteger(Math.floor(isRare ? random() * 300 : random() * 2 ** 32), tags.counter32);
}
