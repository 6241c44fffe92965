/**
 * The simulated switches of the bench, in a process of their own: `node switches.ts PORT FROM COUNT DEAD SLOW BYTES`. Each has an address of its
 * own on loopback (127.1.x.y), v2c, answers of BYTES (1,472) at most. Of every COUNT the first DEAD never answer and the next SLOW take 2 s.
 * Answers are made once per kind of request and patched: the responder must not be what is measured. Ends with its standard input.
 */
import { createSocket } from "node:dgram";
import { element, encodeElement, encodeInteger, expectElement, integerValue, tags } from "../../../drivers/snmp/engine/ber.ts";
import { compareOids } from "../../../drivers/snmp/engine/oid.ts";
import { type MibObject, type Moving, makeObjects } from "./site-mib.ts";

const overheadBytes = 48;
const maxTemplates = 5_000;
const slowMs = 2_000;

const [port = 0, from = 0, count = 1, dead = 0, slow = 0, maxBytes = 1472] = process.argv.slice(2).map(Number);
const objects = [...makeObjects()].sort((a, b) => compareOids(a.name, 0, a.name.length, b.name));
const places = new Map(objects.map((object, place) => [Buffer.from(object.name).toString("latin1"), place]));

interface Template {
  readonly bytes: Buffer;
  readonly idAt: number;
  readonly patches: readonly { readonly at: number; readonly moving: Moving }[];
}
const templates = new Map<string, Template>();

function findAfter(name: Buffer): number {
  let low = 0;
  let high = objects.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { name: other } = objects[middle] as MibObject;
    if (compareOids(other, 0, other.length, name) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

function lastVarbind(name: Uint8Array, tag: number): MibObject {
  return { name, varbind: encodeElement(tags.sequence, encodeElement(tags.oid, name), encodeElement(tag)), moving: undefined };
}

function answersOf(type: number, names: readonly Buffer[], nonRepeaters: number, repetitions: number): readonly MibObject[] {
  if (type === tags.get) {
    return names.map((name) => objects[places.get(name.toString("latin1")) ?? -1] ?? lastVarbind(name, tags.noSuchInstance));
  }
  const next = (name: Buffer, skip: number): MibObject => objects[findAfter(name) + skip] ?? lastVarbind(name, tags.endOfMibView);
  if (type === tags.getNext) return names.map((name) => next(name, 0));
  const found = names.slice(0, nonRepeaters).map((name) => next(name, 0));
  let size = found.reduce((sum, { varbind }) => sum + varbind.length, 0);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const name of names.slice(nonRepeaters)) {
      const object = next(name, repetition);
      size += object.varbind.length;
      if (size > maxBytes - overheadBytes) return found;
      found.push(object);
    }
  }
  return found;
}

/** Reads version, community and PDU; what comes here was made by the gateway under test. */
function makeTemplate(request: Buffer): Template {
  expectElement(tags.sequence, request, 0, request.length);
  expectElement(tags.integer, request, element.start, request.length);
  expectElement(tags.octetString, request, element.end, request.length);
  const community = Buffer.from(request.subarray(element.start, element.end));
  expectElement(request[element.end] ?? 0, request, element.end, request.length);
  const type = element.tag;
  const numbers: number[] = [];
  const id = { start: element.start, end: element.start };
  for (let index = 0; index < 3; index++) {
    expectElement(tags.integer, request, index === 0 ? element.start : element.end, request.length);
    if (index === 0) Object.assign(id, { start: element.start, end: element.end });
    numbers.push(integerValue(request, element.start, element.end));
  }
  expectElement(tags.sequence, request, element.end, request.length);
  const names: Buffer[] = [];
  for (let at = element.start; at < request.length; ) {
    expectElement(tags.sequence, request, at, request.length);
    at = element.end;
    expectElement(tags.oid, request, element.start, at);
    names.push(Buffer.from(request.subarray(element.start, element.end)));
  }
  const answers = answersOf(type, names, numbers[1] ?? 0, numbers[2] ?? 0);
  const list = encodeElement(tags.sequence, ...answers.map(({ varbind }) => varbind));
  const requestId = encodeElement(tags.integer, request.subarray(id.start, id.end));
  const pdu = encodeElement(tags.response, requestId, encodeInteger(0), encodeInteger(0), list);
  const bytes = encodeElement(tags.sequence, encodeInteger(1), encodeElement(tags.octetString, community), pdu);
  let at = bytes.length;
  const patches: { at: number; moving: Moving }[] = [];
  for (const { varbind, moving } of [...answers].reverse()) {
    if (moving !== undefined) patches.push({ at: at - moving.width, moving });
    at -= varbind.length;
  }
  return { bytes, idAt: bytes.indexOf(requestId, 7 + community.length) + 2, patches };
}

const startedMs = performance.now();

function answer(request: Buffer, own: number): Buffer {
  // The PDU's header is 2 to 4 bytes; the request id's length and value follow it.
  const pduAt = 7 + (request[6 + (request[1] === 0x81 ? 1 : request[1] === 0x82 ? 2 : 0)] ?? 0);
  const shift = request[1] === 0x81 ? 1 : request[1] === 0x82 ? 2 : 0;
  const lengthByte = request[pduAt + shift + 1] ?? 0;
  const idAt = pduAt + shift + 2 + (lengthByte > 0x80 ? lengthByte & 0x7f : 0);
  const idBytes = request[idAt + 1] ?? 0;
  const key = `${request[pduAt + shift]} ${idBytes} ${request.toString("latin1", idAt + 2 + idBytes)}`;
  let template = templates.get(key);
  if (template === undefined) {
    template = makeTemplate(request);
    if (templates.size >= maxTemplates) templates.clear();
    templates.set(key, template);
  }
  const bytes = Buffer.from(template.bytes);
  request.copy(bytes, template.idAt, idAt + 2, idAt + 2 + idBytes);
  const seconds = (performance.now() - startedMs) / 1_000;
  for (const { at, moving } of template.patches) {
    const { base, rate, swing, width } = moving;
    // Without a swing it is a clock: the same for all.
    const value = base + rate * (swing === 0 ? seconds : own * (seconds + 0.4 * Math.sin(seconds * swing + own * 7)));
    bytes.writeUIntBE(Math.floor(value) % (width === 4 ? 2 ** 32 : 2 ** 47), at, width);
  }
  return bytes;
}

for (let index = 0; index < count; index++) {
  const number = from + index + 1;
  const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 18, lookup: (address, _options, done) => done(null, address, 4) });
  const own = 0.5 + (number % 97) / 97;
  socket.on("message", (request: Buffer, { port: toPort, address }) => {
    if (index < dead) return;
    if (index < dead + slow) setTimeout(() => socket.send(answer(request, own), toPort, address), slowMs);
    else socket.send(answer(request, own), toPort, address);
  });
  await new Promise<void>((resolve) => socket.bind(port, `127.1.${number >> 8}.${number & 255}`, resolve));
}
console.log("listening");
process.stdin.on("end", () => process.exit(0)).resume();
