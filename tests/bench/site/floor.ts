/**
 * What the datagrams alone cost: `node floor.ts PORT FROM COUNT INTERVAL SECONDS BYTES`. The same switches are asked for the same tables as often, all
 * requests of a switch at once and switches in bunches as the gateway does it; answers are thrown away. Nothing is decoded, matched, retried,
 * encoded or stored. Prints { coreShare, requestsPerSecond } over SECONDS.
 */
import { createSocket } from "node:dgram";
import { tags } from "../../../drivers/snmp/engine/ber.ts";
import { encodeIndex, encodeOid } from "../../../drivers/snmp/engine/oid.ts";
import { instanceVarbind, nullVarbind, patchId, prepareCommunityRequest } from "../../../drivers/snmp/engine/request.ts";
import { wakeGrainMs } from "../../../runtime/southbound/poller.ts";
import { ports } from "./site-mib.ts";

const [port = 0, from = 1, count = 1, intervalMs = 5_000, seconds = 10, answerBytes = 1_472] = process.argv.slice(2).map(Number);
const grainMs = wakeGrainMs((count * 1_000) / intervalMs);
/** Rows of 20 columns that an answer holds. */
const rowsAtOnce = Math.max(1, Math.floor(answerBytes / 440));
const ifEntry = "1.3.6.1.2.1.2.2.1";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";
const columns = [
  ...[7, 8, 10, 11, 13, 14, 16, 17, 19, 20].map((column) => `${ifEntry}.${column}`),
  ...[6, 7, 8, 9, 10, 11, 12, 13, 15, 19].map((column) => `${ifXEntry}.${column}`),
].map(encodeOid);
const community = Buffer.from("public");
const head = prepareCommunityRequest(1, community, {
  type: tags.get,
  nonRepeaters: 0,
  maxRepetitions: 0,
  varbinds: [nullVarbind(encodeOid("1.3.6.1.2.1.1.3.0"))],
});
const requests = [head];
for (let row = 0; row < ports; row += rowsAtOnce) {
  const varbinds = columns.map((column) => (row === 0 ? nullVarbind(column) : instanceVarbind(column, encodeIndex(String(row)))));
  const maxRepetitions = Math.min(rowsAtOnce, ports - row);
  requests.push(prepareCommunityRequest(1, community, { type: tags.getBulk, nonRepeaters: 0, maxRepetitions, varbinds }));
}

const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20, lookup: (address, _options, done) => done(null, address, 4) });
await new Promise<void>((resolve) => socket.bind(0, resolve));
let sent = 0;
let answers = 0;
socket.on("message", () => {
  answers += 1;
});
const startMs = performance.now();
const switches = Array.from({ length: count }, (_, index) => {
  const number = from + index;
  return { address: `127.1.${number >> 8}.${number & 255}`, dueMs: startMs + (index / count) * intervalMs };
});
let next = 0;
function serve(): void {
  const nowMs = performance.now();
  for (let one = switches[next % count]; one !== undefined && one.dueMs <= nowMs; one = switches[++next % count]) {
    one.dueMs += intervalMs;
    for (const request of requests) {
      patchId(request.bytes, request.idAt, 0x0100_0000 + (sent++ & 0xff_ffff));
      socket.send(request.bytes, port, one.address);
    }
  }
  setTimeout(serve, grainMs);
}
serve();
await new Promise((resolve) => setTimeout(resolve, 3_000));
const before = { cpu: process.cpuUsage(), answers, atMs: performance.now() };
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const { user, system } = process.cpuUsage(before.cpu);
const elapsedS = (performance.now() - before.atMs) / 1_000;
console.log(JSON.stringify({ coreShare: (user + system) / 1e6 / elapsedS, requestsPerSecond: (answers - before.answers) / elapsedS }));
process.exit(0);
