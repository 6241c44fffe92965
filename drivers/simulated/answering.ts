import type { ManagedObject, ObjectTree, SimulatedType, SimulatedValue } from "./object-tree.ts";

/** BER tags of the SMI types and exceptions (RFC 2578, RFC 3416). */
export const tagOf: Readonly<Record<SimulatedType, number>> = {
  integer: 0x02,
  "octet-string": 0x04,
  oid: 0x06,
  "ip-address": 0x40,
  counter32: 0x41,
  gauge32: 0x42,
  timeticks: 0x43,
  counter64: 0x46,
};
const nullTag = 0x05;
const noSuchObject = 0x80;
const noSuchInstance = 0x81;
const endOfMibView = 0x82;

/** Error statuses that these agents give (RFC 3416 3). */
export const errorStatus = { noError: 0, tooBig: 1, noSuchName: 2, noAccess: 6, wrongType: 7, wrongValue: 10, notWritable: 17 } as const;

export interface AnsweredVarbind {
  readonly oid: string;
  readonly type: number;
  readonly value: number | string | Buffer | null;
}

export interface Question {
  readonly operation: "get" | "get-next" | "get-bulk" | "set";
  readonly version: 0 | 1 | 3;
  readonly varbinds: readonly { readonly oid: string; readonly type: number; readonly value: unknown }[];
  readonly nonRepeaters: number;
  readonly maxRepetitions: number;
  /** Bytes of varbinds that still fit into the answer. */
  readonly budgetBytes: number;
  readonly writable: boolean;
}

export interface Answer {
  readonly errorStatus: number;
  readonly errorIndex: number;
  readonly varbinds: readonly AnsweredVarbind[];
  /** Columns of the varbinds that carry a value, in order: what the counts are made of. */
  readonly columns: readonly string[];
}

/** What a conforming agent answers (RFC 3416 4.2, RFC 3584 4.1 for v1). Pure but for SET, which writes through the tree. */
export function answer(tree: ObjectTree, question: Question): Answer {
  switch (question.operation) {
    case "get":
      return get(tree, question);
    case "get-next":
      return getBulk(tree, { ...question, nonRepeaters: question.varbinds.length, maxRepetitions: 0 });
    case "get-bulk":
      return getBulk(tree, question);
    case "set":
      return set(tree, question);
  }
}

function get(tree: ObjectTree, question: Question): Answer {
  const varbinds: AnsweredVarbind[] = [];
  const columns: string[] = [];
  let bytes = 0;
  for (const [index, { oid }] of question.varbinds.entries()) {
    const object = tree.exact(oid);
    const value = object?.read();
    if (object === undefined || value === undefined || (question.version === 0 && object.type === "counter64")) {
      if (question.version === 0) return refuse(question, errorStatus.noSuchName, index + 1);
      varbinds.push({ oid, type: object !== undefined || tree.hasColumnOf(oid) ? noSuchInstance : noSuchObject, value: null });
    } else {
      varbinds.push(encode(object, value));
      columns.push(object.column);
    }
    bytes += sizeOf(varbinds.at(-1));
    if (bytes > question.budgetBytes) return { errorStatus: errorStatus.tooBig, errorIndex: 0, varbinds: [], columns: [] };
  }
  return { errorStatus: 0, errorIndex: 0, varbinds, columns };
}

/** One repeater or non-repeater while a GETBULK is answered. */
interface Cursor {
  oid: string;
  position: number;
}

function getBulk(tree: ObjectTree, question: Question): Answer {
  const nonRepeaters = Math.max(0, Math.min(question.nonRepeaters, question.varbinds.length));
  const cursors: Cursor[] = question.varbinds.map(({ oid }) => ({ oid, position: tree.firstAfter(oid) }));
  const repeaters = cursors.slice(nonRepeaters);
  const repetitions = Math.max(0, Math.min(question.maxRepetitions, 512));
  const sequence = [...cursors.slice(0, nonRepeaters)];
  for (let i = 0; i < repetitions; i++) sequence.push(...repeaters);
  const varbinds: AnsweredVarbind[] = [];
  const columns: string[] = [];
  let bytes = 0;
  for (const [index, cursor] of sequence.entries()) {
    const step = advance(tree, cursor, question.version);
    if (step.column === undefined && question.version === 0) return refuse(question, errorStatus.noSuchName, index + 1);
    bytes += sizeOf(step.varbind);
    if (bytes > question.budgetBytes) {
      if (index < nonRepeaters) return { errorStatus: errorStatus.tooBig, errorIndex: 0, varbinds: [], columns: [] };
      break;
    }
    varbinds.push(step.varbind);
    if (step.column !== undefined) columns.push(step.column);
    const rowEnded = repeaters.length > 0 && (index + 1 - nonRepeaters) % repeaters.length === 0;
    if (rowEnded && repeaters.every((repeater) => repeater.position > tree.size)) break;
  }
  return { errorStatus: 0, errorIndex: 0, varbinds, columns };
}

function advance(
  tree: ObjectTree,
  cursor: Cursor,
  version: Question["version"],
): { readonly varbind: AnsweredVarbind; readonly column: string | undefined } {
  for (;;) {
    const object = tree.at(cursor.position);
    cursor.position += 1;
    if (object === undefined) {
      cursor.position = tree.size + 1;
      return { varbind: { oid: cursor.oid, type: endOfMibView, value: null }, column: undefined };
    }
    if (version === 0 && object.type === "counter64") continue; // RFC 3584 4.2.2.1: skipped for a v1 manager
    const value = object.read();
    if (value === undefined) continue;
    cursor.oid = object.oid;
    return { varbind: encode(object, value), column: object.column };
  }
}

function set(tree: ObjectTree, question: Question): Answer {
  const v1 = question.version === 0;
  const writes: (() => boolean)[] = [];
  for (const [index, { oid, type, value }] of question.varbinds.entries()) {
    if (!question.writable) return refuse(question, v1 ? errorStatus.noSuchName : errorStatus.noAccess, index + 1);
    const object = tree.exact(oid);
    const write = object?.write;
    if (object === undefined || write === undefined)
      return refuse(question, v1 ? errorStatus.noSuchName : errorStatus.notWritable, index + 1);
    const wanted = typeof value === "number" || Buffer.isBuffer(value) ? value : undefined;
    if (wanted === undefined || type !== tagOf[object.type])
      return refuse(question, v1 ? 3 /* badValue */ : errorStatus.wrongType, index + 1);
    writes.push(() => write(wanted));
  }
  const refused = writes.findIndex((write) => !write());
  if (refused >= 0) return refuse(question, v1 ? 3 : errorStatus.wrongValue, refused + 1);
  return { ...get(tree, question), columns: [] };
}

function refuse(question: Question, status: number, index: number): Answer {
  const varbinds = question.varbinds.map(({ oid }) => ({ oid, type: nullTag, value: null }));
  return { errorStatus: status, errorIndex: index, varbinds, columns: [] };
}

function encode(object: ManagedObject, value: Exclude<SimulatedValue, undefined>): AnsweredVarbind {
  const type = tagOf[object.type];
  if (typeof value === "bigint") return { oid: object.oid, type, value: counter64Bytes(value) };
  if (typeof value !== "number") return { oid: object.oid, type, value };
  const whole = Math.trunc(value);
  return { oid: object.oid, type, value: object.type === "integer" ? whole : ((whole % 2 ** 32) + 2 ** 32) % 2 ** 32 };
}

/** Shortest non-negative INTEGER content (X.690 8.3.2), 1 to 9 bytes. */
function counter64Bytes(value: bigint): Buffer {
  const digits = BigInt.asUintN(64, value).toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return Buffer.from(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, "hex");
}

/** Upper bound of a varbind's encoded size; exact would be a second encoder. */
function sizeOf(varbind: AnsweredVarbind | undefined): number {
  if (varbind === undefined) return 0;
  const value = varbind.value;
  let content = 5;
  if (typeof value === "string") content = varbind.type === tagOf["ip-address"] ? 4 : Buffer.byteLength(value);
  else if (Buffer.isBuffer(value)) content = value.length;
  return 6 + oidSize(varbind.oid) + (content > 127 ? 4 : 2) + content;
}

function oidSize(oid: string): number {
  let bytes = 2;
  for (const arc of oid.split(".")) bytes += arc.length < 3 ? 1 : arc.length < 5 ? 2 : arc.length < 7 ? 3 : 5;
  return bytes;
}
