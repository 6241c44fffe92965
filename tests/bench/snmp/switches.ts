/**
 * The simulated switches of the bench, in a process of their own: `node switches.ts MODE COUNT`. One UDP port a switch, v2c or v3, answers of
 * 1,472 bytes at most. Prints the first port; ends with its standard input.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { element, encodeElement, encodeInteger, expectElement, integerValue, readElement, tags } from "../../../drivers/snmp/engine/ber.ts";
import { defaultLimits } from "../../../drivers/snmp/engine/limits.ts";
import { UsmKeys } from "../../../drivers/snmp/engine/usm-keys.ts";
import { clock, unending } from "../../drivers/snmp/engine/conversing.ts";
import { UsmAgent } from "../../drivers/snmp/engine/usm-agent.ts";
import { SwitchTable } from "./switch-table.ts";
import { benchUser } from "./workload.ts";

const maxBytes = 1472;
const overheadBytes = { "2c": 48, "3": 150 };
const maxVarbinds = 128;

const mode = process.argv[2] === "3" ? "3" : "2c";
const count = Number(process.argv[3] ?? 100);
const table = new SwitchTable(1);
const pdu = { start: 0, id: 0, second: 0, third: 0, varbinds: 0, end: 0, type: 0 };

/** The PDU of a request. What comes here was made by the clients of the bench. */
function readPdu(bytes: Buffer, at: number, end: number): void {
  expectElement(bytes[at] ?? 0, bytes, at, end);
  pdu.type = element.tag;
  pdu.end = element.end;
  const numbers = [0, 0, 0].map((_, index) => {
    expectElement(tags.integer, bytes, index === 0 ? element.start : element.end, pdu.end);
    return integerValue(bytes, element.start, element.end);
  });
  [pdu.id = 0, pdu.second = 0, pdu.third = 0] = numbers;
  expectElement(tags.sequence, bytes, element.end, pdu.end);
  pdu.varbinds = element.start;
}

function answerPdu(bytes: Buffer): Buffer {
  const places: number[] = [];
  for (let at = pdu.varbinds; at < pdu.end; ) {
    expectElement(tags.sequence, bytes, at, pdu.end);
    at = element.end;
    expectElement(tags.oid, bytes, element.start, at);
    places.push(pdu.type === tags.get ? table.at(bytes, element.start, element.end) : table.after(bytes, element.start, element.end));
  }
  const isBulk = pdu.type === tags.getBulk;
  const repeaters = isBulk ? places.slice(pdu.second) : [];
  const varbinds = places.slice(0, isBulk ? pdu.second : places.length).map((place) => table.varbind(place));
  let size = varbinds.reduce((sum, { length }) => sum + length, 0);
  fill: for (let repetition = 0; repetition < (isBulk ? pdu.third : 0); repetition++) {
    for (const place of repeaters) {
      const varbind = table.varbind(place + repetition);
      size += varbind.length;
      if (size > maxBytes - overheadBytes[mode] || varbinds.length >= maxVarbinds) break fill;
      varbinds.push(varbind);
    }
  }
  return encodeElement(tags.response, encodeInteger(pdu.id), encodeInteger(0), encodeInteger(0), encodeElement(tags.sequence, ...varbinds));
}

/** Answers by request without its id. All switches of the bench hold the same values, and clients repeat themselves. */
const prepared = new Map<string, { readonly answer: Buffer; readonly idAt: number }>();
const maxPrepared = 4096;

/** `make` builds the answer once; from then on only the id is copied into it. @param at where the request's PDU begins */
function answerPrepared(bytes: Buffer, at: number, make: () => Buffer): Buffer {
  readElement(bytes, at, bytes.length);
  expectElement(tags.integer, bytes, element.start, bytes.length);
  const { start: idStart, end: idEnd } = element;
  const id = bytes.subarray(idStart, idEnd);
  const key = bytes.toString("latin1", 0, idStart) + bytes.toString("latin1", idEnd);
  const known = prepared.get(key);
  if (known !== undefined) {
    id.copy(known.answer, known.idAt);
    return known.answer;
  }
  const answer = make();
  if (prepared.size < maxPrepared) prepared.set(key, { answer, idAt: answer.indexOf(id) });
  return answer;
}

function answerV2c(bytes: Buffer): Buffer {
  expectElement(tags.sequence, bytes, 0, bytes.length);
  expectElement(tags.integer, bytes, element.start, bytes.length);
  expectElement(tags.octetString, bytes, element.end, bytes.length);
  const community = bytes.subarray(element.start, element.end);
  const pduAt = element.end;
  return answerPrepared(bytes, pduAt, () => {
    readPdu(bytes, pduAt, bytes.length);
    return encodeElement(tags.sequence, encodeInteger(1), encodeElement(tags.octetString, community), answerPdu(bytes));
  });
}

function answerV3(agent: UsmAgent, bytes: Buffer): Buffer | undefined {
  const request = agent.open(bytes);
  if (request === undefined || "report" in request) return request?.report;
  const plaintext = Buffer.from(request.pdu);
  const answer = answerPrepared(plaintext, 0, () => {
    readPdu(plaintext, 0, plaintext.length);
    return answerPdu(plaintext);
  });
  return agent.seal(request.messageId, answer);
}

async function openSwitch(port: number, keys: UsmKeys): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20, lookup: (address, _options, done) => done(null, address, 4) });
  const engineId = Uint8Array.of(0x80, 0, 0x1f, 0x88, 5, 1, port >> 8, port & 0xff);
  const usm = mode === "3" ? await UsmAgent.create(engineId, benchUser, keys) : undefined;
  socket.on("message", (bytes: Buffer, from: RemoteInfo) => {
    const answer = usm === undefined ? answerV2c(bytes) : answerV3(usm, bytes);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  // With a lookup that does not defer, the socket is bound before `bind` returns.
  const listening = once(socket, "listening");
  socket.bind(port, "127.0.0.1");
  await listening;
  return socket;
}

/** `count` free ports in a row: the C client takes the first one and a number. */
async function openAll(): Promise<number> {
  const keys = new UsmKeys({ limits: defaultLimits, clock, life: unending });
  for (let first = 20_000 + (process.pid % 200) * 100; first < 60_000; first += 211) {
    const sockets: Socket[] = [];
    try {
      for (let index = 0; index < count; index++) sockets.push(await openSwitch(first + index, keys));
      return first;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
      for (const socket of sockets) socket.close();
    }
  }
  throw new Error("no free ports");
}

console.log(await openAll());
process.stdin.on("end", () => process.exit(0)).resume();
