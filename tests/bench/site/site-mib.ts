import { encodeElement, encodeInteger, tags } from "../../../drivers/snmp/engine/ber.ts";
import { encodeOid } from "../../../drivers/snmp/engine/oid.ts";
import { seeded } from "../../drivers/snmp/engine/mutating.ts";

/** The switches' sysObjectID; the bench's profile is chosen by it. Made up, below an enterprise number that nobody has. */
export const sysObjectId = "1.3.6.1.4.1.4294967000.7";
export const ports = 48;
/** Live columns of a port: 14 of the built-in set `interfaces`, 6 of the bench's profile. */
export const liveColumns = 20;

const system = "1.3.6.1.2.1.1";
const ifEntry = "1.3.6.1.2.1.2.2.1";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";
const changed = "1.3.6.1.2.1.31.1.5.0";

/** What moves in an answer: written anew into each copy. Widths are fixed, so that nothing else in the packet shifts. */
export interface Moving {
  /** Bytes of the content. */
  readonly width: number;
  /** What it was when the bench began. */
  readonly base: number;
  /** Per second. */
  readonly rate: number;
  /** How its rate swings. */
  readonly swing: number;
}

/** One object: its name, its varbind, and where in the varbind a moving value lies. */
export interface MibObject {
  readonly name: Uint8Array;
  readonly varbind: Buffer;
  readonly moving: Moving | undefined;
}

/** A Gateway of its own columns besides the built-in ones, in the dialect of dropped-in profiles. */
export const profileText: string = [
  `sysobjectid: ${sysObjectId}`,
  "metrics:",
  "  - MIB: BENCH-MIB",
  `    table: { OID: ${ifEntry.slice(0, -2)}, name: portTable }`,
  "    symbols:",
  ...[10, 11, 12, 15, 16, 17].map((column) => `      - { OID: ${ifEntry}.${column}, name: port${column} }`),
  "    metric_tags:",
  `      - { tag: interface, column: { OID: ${ifXEntry}.1, name: ifName } }`,
  "",
].join("\n");

function still(oid: string, value: Uint8Array): MibObject {
  const name = encodeOid(oid);
  return { name, varbind: encodeElement(tags.sequence, encodeElement(tags.oid, name), value), moving: undefined };
}

function moving(oid: string, tag: number, value: Moving): MibObject {
  return { ...still(oid, encodeElement(tag, new Uint8Array(value.width))), moving: value };
}

function text(value: string): Buffer {
  return encodeElement(tags.octetString, Buffer.from(value));
}

/**
 * A 48-port switch that answers as a real one of some weeks' age: half of the ports carry traffic, errors are rare, 64-bit counters of the
 * size that real ones have. A third of the 960 values changes from poll to poll, as PROTOCOL 1.1 found it.
 */
export function makeObjects(): readonly MibObject[] {
  const random = seeded(7);
  const objects = [
    still(`${system}.1.0`, text("Bench switch, 48 ports")),
    still(`${system}.2.0`, encodeElement(tags.oid, encodeOid(sysObjectId))),
    moving(`${system}.3.0`, tags.timeTicks, { width: 4, base: 400_000_000, rate: 100, swing: 0 }),
    still(`${system}.5.0`, text("bench-switch")),
    still("1.3.6.1.2.1.2.1.0", encodeInteger(ports)),
    still(changed, encodeInteger(1_000, tags.timeTicks)),
  ];
  for (let port = 1; port <= ports; port++) objects.push(...portObjects(port, random));
  return objects;
}

function portObjects(port: number, random: () => number): MibObject[] {
  const row = 10_100 + port;
  const busy = port % 2 === 0;
  const packets = busy ? 20 + random() * 20_000 : 0;
  const bytes = packets * (100 + random() * 900);
  const counter = (oid: string, bits: 32 | 64, rate: number): MibObject => {
    const width = bits === 32 ? 4 : 6;
    const base = Math.floor(bits === 32 ? 2 ** 24 + random() * 2 ** 28 : 2 ** 40 + random() * 2 ** 44);
    if (rate === 0 && bits === 32) return still(`${oid}.${row}`, encodeInteger(Math.floor(random() * 300), tags.counter32));
    return moving(`${oid}.${row}`, bits === 32 ? tags.counter32 : tags.counter64, { width, base, rate, swing: 0.2 + random() * 1.8 });
  };
  const fixed = (oid: string, value: Uint8Array): MibObject => still(`${oid}.${row}`, value);
  return [
    fixed(`${ifEntry}.2`, text(`GigabitEthernet1/0/${port}`)),
    fixed(`${ifEntry}.3`, encodeInteger(6)),
    fixed(`${ifEntry}.4`, encodeInteger(1500)),
    fixed(`${ifEntry}.5`, encodeInteger(1_000_000_000, tags.gauge32)),
    fixed(`${ifEntry}.6`, encodeElement(tags.octetString, Uint8Array.of(2, 0, 0, 0, 0, port))),
    fixed(`${ifEntry}.7`, encodeInteger(1)),
    fixed(`${ifEntry}.8`, encodeInteger(busy ? 1 : 2)),
    fixed(`${ifEntry}.9`, encodeInteger(5_000 + port, tags.timeTicks)),
    counter(`${ifEntry}.10`, 32, Math.min(bytes, 4e6)),
    counter(`${ifEntry}.11`, 32, packets),
    ...[12, 13, 14, 15].map((column) => counter(`${ifEntry}.${column}`, 32, 0)),
    counter(`${ifEntry}.16`, 32, Math.min(bytes, 4e6)),
    counter(`${ifEntry}.17`, 32, packets),
    ...[19, 20].map((column) => counter(`${ifEntry}.${column}`, 32, 0)),
    fixed(`${ifXEntry}.1`, text(`Gi1/0/${port}`)),
    counter(`${ifXEntry}.6`, 64, bytes),
    counter(`${ifXEntry}.7`, 64, packets),
    counter(`${ifXEntry}.8`, 64, busy ? 2 : 0),
    counter(`${ifXEntry}.9`, 64, busy ? 1 : 0),
    counter(`${ifXEntry}.10`, 64, bytes),
    counter(`${ifXEntry}.11`, 64, packets),
    counter(`${ifXEntry}.12`, 64, busy ? 2 : 0),
    counter(`${ifXEntry}.13`, 64, busy ? 1 : 0),
    fixed(`${ifXEntry}.15`, encodeInteger(1_000, tags.gauge32)),
    fixed(`${ifXEntry}.18`, text(`desk ${port}`)),
    fixed(`${ifXEntry}.19`, encodeInteger(0, tags.timeTicks)),
  ];
}
