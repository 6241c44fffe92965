import { join } from "node:path";
import type { UplinkLeaf } from "#ports/uplink.ts";
import { AuthorityStore } from "../../../cloud-bridge/noc/authority/authority-store.ts";
import { CommandBook } from "../../../cloud-bridge/noc/authority/command-book.ts";
import { SigningKeys } from "../../../cloud-bridge/noc/authority/signing-keys.ts";
import { SiteBook } from "../../../cloud-bridge/noc/authority/site-book.ts";
import { understand } from "../../../cloud-bridge/noc/ingest/understand.ts";
import { createChunkDecoder } from "../../../cloud-bridge/protocol/codec/decoder.ts";
import { parseResponse } from "../../../cloud-bridge/protocol/messages/command.ts";
import { parseHello } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { parseReported } from "../../../cloud-bridge/protocol/messages/twin.ts";
import { IngestKit } from "../../cloud-bridge/noc/ingest-kit.ts";
import { SmallGateway, switchReport, switchShape } from "../../cloud-bridge/noc/small-gateway.ts";
import { corpus } from "../../cloud-bridge/protocol/corpus.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { type Form, type FuzzSubject, text } from "../subject.ts";
import { folderFor } from "./documents.ts";

const site = { tenant: "acme", gateway: "gw-one" } as const;
const ingest = "cloud-bridge/noc/ingest";

/** Messages of one leaf into transactions of a real store; a gateway that was taken over. */
function leaf(name: UplinkLeaf, form: Form, valid: () => readonly Uint8Array[], files: readonly string[]): FuzzSubject {
  return {
    name: `NOC ingest, ${name}`,
    share: 0.1,
    files: [`${ingest}/batch.ts`, `${ingest}/understand.ts`, ...files],
    open: () => {
      const kit = new IngestKit();
      const read = async (bytes: Uint8Array) => {
        await kit.receiveFrom(site.gateway, name, bytes);
      };
      return { valid: valid(), form, read, close: () => kit.close() };
    },
  };
}

function chunks(): readonly Uint8Array[] {
  const gateway = new SmallGateway("gw-one");
  const shape = switchShape("sw-1", 3, 60_000);
  return [0, 1, 2].flatMap((poll) =>
    gateway
      .poll(switchReport(shape, { wallMs: 1_800_000_000_000 + poll * 60_000, monotonicMs: 1_000_000 + poll * 60_000 }, poll))
      .map(({ bytes }) => bytes),
  );
}

const batch = (elements: readonly object[]) => text({ v: 1, s: "0123456789ab", q: 1, at: 1_800_000_000_000, e: elements });
const alarm = {
  k: "alarm",
  id: "01J",
  rev: 1,
  key: "gw-one/sw-1/x",
  type: "link-down",
  severity: "major",
  cleared: false,
  text: "x",
  at: 1_800_000_000_000,
  equipment: "sw-1",
};
const check = {
  k: "check",
  check: "c-1",
  at: 1_800_000_000_000,
  ok: true,
  vantage: "lan",
  values: { rttMs: 5 },
  latency: { counts: [[1, 2]] },
};
const inventory = {
  k: "inventory",
  equipment: "sw-1",
  at: 1_800_000_000_000,
  identity: { vendor: "x", deviceClass: "switch", evidence: [] },
  components: [],
  changes: [],
};
const hello = {
  v: 1,
  gw: "gw-one",
  agent: "1",
  boot: "b",
  run: "aaaaaaaa",
  conn: 1,
  proto: { min: 1, max: 1 },
  caps: [],
  streams: { T: "0123456789ab" },
  ops: { "poll.now": "read" },
  auth: { keys: 1 },
};

async function openResponses() {
  const folder = folderFor("commands");
  const clock = new VirtualClock();
  const store = new AuthorityStore(folder.path);
  const keys = await SigningKeys.open(join(folder.path, "keys"), () => clock.now().wallMs / 1_000);
  const book = new CommandBook({ store, keys, clock, entropy: seededEntropy(3) } as never);
  const view = new SiteBook().of(site.tenant, site.gateway);
  if (view === undefined) throw new Error("no site");
  Object.assign(view, { online: true, nonce: "n".repeat(22), operations: { "poll.now": "read" } });
  let id = book.add(view, { op: "poll.now", args: {}, ttl: 600 } as never, "test").id;
  let count = 0;
  const answers = () => [
    { v: 1, seq: 1, id, st: "running", pct: 5, out: { a: 1 } },
    { v: 1, seq: 1, id, st: "ok", fin: true, out: { done: true, blob: { sha256: "0".repeat(64), size: 4 } } },
    { v: 1, seq: 1, id, st: "running", part: { off: 0, size: 4, sha256: "0".repeat(64), data: "YWJjZA==" } },
    { v: 1, seq: 1, id, st: "error", fin: true, err: { code: "driver.timeout", msg: "x" } },
  ];
  const read = (bytes: Uint8Array) => {
    count += 1;
    const message = parseResponse(Buffer.from(Buffer.from(bytes).toString("utf8").replace("ORDER", id)));
    book.answer(site.tenant, site.gateway, message);
    if (count % 50 === 0 || !book.get(id).open) id = book.add(view, { op: "poll.now", args: {}, ttl: 600 } as never, "test").id;
  };
  const close = () => {
    store.close();
    folder.end();
  };
  return { valid: answers().map((one) => text({ ...one, id: "ORDER" })), form: "json" as const, read, close };
}

function openSites() {
  const book = new SiteBook();
  const view = book.of(site.tenant, site.gateway);
  if (view === undefined) throw new Error("no site");
  const read = (bytes: Uint8Array) => {
    if (bytes.includes(0x67)) book.hello(view, parseHello(bytes), false);
    else book.reported(view, parseReported(bytes), 1);
  };
  return { valid: [text(hello)], form: "json" as const, read };
}

function openDecoder() {
  const decoder = createChunkDecoder();
  const payloads = corpus();
  const groups = new Map(
    payloads
      .map((bytes) => decoder.decode(bytes))
      .flatMap((one) => (one.kind === "dict" ? one.record.groups.map((group) => [group.groupId, group] as const) : [])),
  );
  const read = (bytes: Uint8Array) => {
    const payload = decoder.decode(bytes);
    if (payload.kind === "chunk") decoder.resolve(payload.chunk, groups, decoder.newMemory());
    understand({ ...site, leaf: "tm", payload: bytes, retained: false, puback: () => undefined }, decoder, 262_144);
  };
  return { valid: payloads, read };
}

const codec = "cloud-bridge/protocol/codec";

/** What gateways send to the NOC. */
export const nocSubjects: readonly FuzzSubject[] = [
  {
    name: "chunk codec",
    files: [
      `${codec}/decoder.ts`,
      `${codec}/cbor-reader.ts`,
      `${codec}/raw-chunk.ts`,
      `${codec}/resolve.ts`,
      `${codec}/dictionary-record.ts`,
      `${codec}/unpack.ts`,
    ],
    open: openDecoder,
  },
  leaf("tm", "bytes", chunks, [`${ingest}/telemetry.ts`]),
  leaf("bf", "bytes", chunks, [`${ingest}/telemetry.ts`]),
  leaf(
    "ev",
    "json",
    () => [
      batch([alarm]),
      batch([{ k: "event", text: "x", at: 1_800_000_000_000, type: "linkDown", severity: "minor", attributes: { a: "b" } }]),
    ],
    [`${ingest}/events.ts`, `${ingest}/alarm-list.ts`],
  ),
  leaf("chk", "json", () => [batch([check])], [`${ingest}/checks.ts`]),
  leaf("inv", "json", () => [batch([inventory])], [`${ingest}/inventory.ts`]),
  leaf("hello", "json", () => [text(hello)], [`${ingest}/presence.ts`, `${ingest}/identity-watch.ts`]),
  leaf("state", "json", () => [text({ v: 1, on: true, boot: "b", conn: 3, why: "connect" })], [`${ingest}/presence.ts`]),
  leaf("rep", "json", () => [text({ v: 1, gen: 3, phase: "ok", docs: [{ id: "config", rev: 1, st: "applied" }] })], [
    `${ingest}/presence.ts`,
  ]),
  {
    name: "NOC orders, rsp",
    share: 0.3,
    files: ["cloud-bridge/noc/authority/command-book.ts", "cloud-bridge/protocol/messages/command.ts"],
    open: openResponses,
  },
  { name: "NOC orders, hello", files: ["cloud-bridge/noc/authority/site-book.ts"], open: openSites },
];
