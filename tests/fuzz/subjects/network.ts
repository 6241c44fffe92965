import { PassThrough } from "node:stream";
import { LineStream } from "../../../cloud-bridge/notify/smtp/line-stream.ts";
import { decodeDns } from "../../../drivers/discovery/lan/dns-message.ts";
import { readMdns } from "../../../drivers/discovery/lan/mdns.ts";
import {
  parseDefaultGateways,
  parseIpNeigh,
  parseLeases,
  parseNameServers,
  parseProcArp,
} from "../../../drivers/discovery/lan/neighbour-tables.ts";
import { readNodeStatus } from "../../../drivers/discovery/lan/netbios.ts";
import { readSsdp } from "../../../drivers/discovery/lan/ssdp.ts";
import { SyslogReceiver } from "../../../drivers/notifications/syslog-receiver.ts";
import { TrapReceiver } from "../../../drivers/notifications/trap-receiver.ts";
import { answersQuery, decodeAnswer, encodeQuery } from "../../../drivers/probe/dns/message.ts";
import { CookieJar } from "../../../drivers/probe/http/cookie-jar.ts";
import { LinearPattern } from "../../../drivers/probe/http/linear-pattern.ts";
import { decodeResponse, encodeRequest } from "../../../drivers/probe/ntp/message.ts";
import { readHead, readReply } from "../../../drivers/probe/udp/packet.ts";
import { Pattern } from "../../../drivers/snmp/profiles/pattern.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../../runtime/host/system-entropy.ts";
import { mdnsAnswer, nodeStatusAnswer, ssdpAnswer } from "../../drivers/discovery/datagrams.ts";
import { CollectingSink } from "../../drivers/notifications/receiving.ts";
import { sampleDatagrams } from "../../drivers/notifications/sample-datagrams.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import { asText, type FuzzSubject, taken, text } from "../subject.ts";

const maxEventBytes = 16_384;
const lan = "drivers/discovery/lan";

function receiving() {
  const clock = new SystemClock(() => true);
  return { host: "127.0.0.1", port: 0, clock, logger: silentLogger, sink: new CollectingSink(), lookup: () => undefined };
}

const datagram = (bytes: Uint8Array) => ({ bytes, address: "192.0.2.1", port: 40_000, equipment: undefined, reply: () => undefined });

function openTraps() {
  const receiver = new TrapReceiver({
    ...receiving(),
    entropy: systemEntropy,
    engineId: Buffer.from("80007ed90467772d74657374", "hex"),
    credentials: [
      { version: "3", user: "open" },
      { version: "3", user: "sha", auth: { protocol: "sha256", key: "authpass-1" }, priv: { protocol: "aes128", key: "privpass-1" } },
    ],
  });
  const read = (bytes: Uint8Array) => {
    const { event } = receiver.handle(datagram(bytes));
    if (JSON.stringify(event?.attributes ?? "").length > maxEventBytes) throw new Error("an event is too long");
  };
  return { valid: Object.values(sampleDatagrams).map((hex) => Buffer.from(hex, "hex")), read };
}

function openSyslog() {
  const receiver = new SyslogReceiver({ ...receiving(), unmatchedMaxSeverity: 7 });
  const valid = [
    '<165>1 2026-10-11T22:14:15.003Z host.example.com app 1234 ID47 [ex@32473 iut="3" note="a\\"b"][x@32473 y="z"] \ufeffAn ünusual event',
    "<34>Oct 11 22:14:15 host su[88]: 'su root' failed for user on /dev/pts/8",
    "<189>4711: *Mar  1 2026 00:01:02.123: %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
  ].map(text);
  const read = (bytes: Uint8Array) => {
    const { event } = receiver.handle(datagram(bytes));
    if (JSON.stringify(event?.attributes ?? "").length > maxEventBytes) throw new Error("an event is too long");
  };
  return { valid, form: "text" as const, read };
}

function openDns() {
  const query = encodeQuery(7, "example.net", "A", true) ?? Buffer.alloc(0);
  const answer = Buffer.concat([
    query,
    Buffer.from("c00c000100010000003c0004c0000201c00c000f00010000003c0009000a046d61696cc00cc00c001000010000003c0004036f6e65", "hex"),
  ]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(3, 6);
  const read = (bytes: Uint8Array) => {
    const message = Buffer.from(bytes);
    if (answersQuery(message, query)) decodeAnswer(message, query);
  };
  return { valid: [answer], read };
}

function openNtp() {
  const request = encodeRequest(Buffer.alloc(8, 3));
  const answer = Buffer.alloc(48);
  answer[0] = 0x24;
  answer[1] = 2;
  request.copy(answer, 24, 40, 48);
  return { valid: [answer], read: (bytes: Uint8Array) => void decodeResponse(Buffer.from(bytes), request, 1_800_000_000_000) };
}

function openUdp() {
  const packet = Buffer.alloc(64);
  packet.writeUInt32BE(0x47485531, 0);
  packet[4] = 2;
  return {
    valid: [packet],
    read: (bytes: Uint8Array) => (readHead(Buffer.from(bytes)) === undefined ? undefined : void readReply(Buffer.from(bytes))),
  };
}

async function readSmtp(bytes: Uint8Array): Promise<void> {
  const socket = new PassThrough();
  const stream = new LineStream(socket);
  socket.end(bytes);
  // Until the bytes are used up: then it fails, which is a GatewayError.
  for (let replies = 0; replies < 3; replies++) await stream.reply();
}

const datagramSubject = (
  name: string,
  valid: Uint8Array,
  read: (bytes: Uint8Array) => unknown,
  ...files: readonly string[]
): FuzzSubject => ({
  name,
  files: files.map((file) => `${lan}/${file}.ts`),
  open: () => ({ valid: [valid], read: taken(read) }),
});

const tables = text(
  '[{"dst":"10.0.0.1","lladdr":"00:11:22:33:44:55","state":["REACHABLE"]}]\nIP address HW type Flags HW address Mask Device\n10.0.0.1 0x1 0x2 00:11:22:33:44:55 * eth0\n' +
    '1700000000 00:11:22:33:44:55 10.0.0.2 host *\nlease 10.0.0.3 {\n  hardware ethernet 00:11:22:33:44:55;\n  client-hostname "x";\n}\nnameserver 10.0.0.1\n',
);

/** What equipment and servers of the site send. SNMP answers and MQTT packets have runs of their own, against the engine and the client. */
export const networkSubjects: readonly FuzzSubject[] = [
  {
    name: "trap, inform",
    files: [
      "drivers/notifications/trap-receiver.ts",
      "drivers/notifications/ber.ts",
      "drivers/notifications/notification.ts",
      "drivers/notifications/usm.ts",
      "drivers/notifications/trap-event.ts",
    ],
    open: openTraps,
  },
  {
    name: "syslog message",
    files: ["drivers/notifications/syslog-receiver.ts", "drivers/notifications/syslog-message.ts"],
    open: openSyslog,
  },
  datagramSubject("mDNS answer", mdnsAnswer, (bytes) => readMdns(bytes, "10.0.0.5"), "mdns", "dns-message"),
  datagramSubject("DNS message of the LAN", mdnsAnswer, decodeDns, "dns-message"),
  datagramSubject("SSDP answer", ssdpAnswer, (bytes) => readSsdp(bytes, "10.0.0.1"), "ssdp", "said"),
  datagramSubject("NetBIOS answer", nodeStatusAnswer, (bytes) => readNodeStatus(bytes, 0x1234, "10.0.0.6"), "netbios"),
  {
    name: "neighbour tables, leases",
    files: [`${lan}/neighbour-tables.ts`],
    open: () => ({
      valid: [
        tables,
        ...tables
          .toString()
          .split("\n")
          .map((line) => text(`${line}\n`)),
      ].filter(({ length }) => length > 1),
      form: "text",
      read: asText((content) =>
        [parseProcArp, parseIpNeigh, parseLeases, parseDefaultGateways, parseNameServers].map((parse) => parse(content)),
      ),
    }),
  },
  { name: "DNS answer to a check", files: ["drivers/probe/dns/message.ts"], open: openDns },
  { name: "NTP answer", files: ["drivers/probe/ntp/message.ts"], open: openNtp },
  { name: "UDP check packet", files: ["drivers/probe/udp/packet.ts"], open: openUdp },
  {
    name: "cookie of a checked server",
    files: ["drivers/probe/http/cookie-jar.ts"],
    open: () => ({
      valid: [
        text("sid=abc; Path=/a; Domain=example.net; Secure; HttpOnly; Max-Age=60"),
        text("a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
      ],
      form: "text",
      read: asText((content) => {
        const jar = new CookieJar();
        const url = new URL("https://www.example.net/a/b");
        jar.store([content], url, 1_800_000_000_000);
        jar.header(url);
      }),
    }),
  },
  {
    name: "pattern of a check, of a profile",
    files: ["runtime/model/pattern-text.ts", "drivers/probe/http/linear-pattern.ts", "drivers/snmp/profiles/pattern.ts"],
    open: () => ({
      valid: [
        text("^(ok|healthy)[a-z0-9_-]{1,20}\\s+(?:\\d+\\.)*x?$"),
        text("[^<]*<b>.+?</b>"),
        text("a{2,5}b{0,3}|c+"),
        text("(?i)\\bv(?<n>[[:digit:]]+)[^\\S\\n]*\\u00e9\\x41\\z"),
      ],
      form: "text",
      read: asText((content) => {
        const subject = "ok12 3.4.x <b>bold</b> aaabbc V7 \u00e9A";
        const linear = LinearPattern.compile(content);
        if (typeof linear !== "string") linear.matches(subject);
        const pattern = Pattern.compile(content);
        if (typeof pattern !== "string") pattern.expand(subject, "$1");
      }),
    }),
  },
  {
    name: "SMTP reply",
    share: 0.5,
    files: ["cloud-bridge/notify/smtp/line-stream.ts"],
    open: () => ({
      valid: [text("220 mail.example ESMTP\r\n250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n354 go\r\n")],
      form: "text",
      read: readSmtp,
    }),
  },
];
