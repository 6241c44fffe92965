import { editorFrameCodec } from "../../../cloud-bridge/protocol/editor-frames.ts";
import { formatAck, parseAck } from "../../../cloud-bridge/protocol/messages/ack.ts";
import { formatBlobPiece, formatBlobRequest, parseBlobPiece, parseBlobRequest } from "../../../cloud-bridge/protocol/messages/blob.ts";
import { formatNocState, parseHello, parseNocState, parseState } from "../../../cloud-bridge/protocol/messages/presence.ts";
import { parseReported } from "../../../cloud-bridge/protocol/messages/twin.ts";
import { parseTopic } from "../../../cloud-bridge/protocol/topics.ts";
import { signedMessages } from "../../../runtime/parts-northbound.ts";
import { manifest, order } from "../../northbound/orders/noc-pen.ts";
import { asText, type FuzzSubject, taken, text } from "../subject.ts";

const hello = {
  ...{ v: 1, gw: "gw-one", tenant: "acme", agent: "1", boot: "b", run: "aaaaaaaa", conn: 1, proto: { min: 1, max: 1 }, caps: ["tcc1"] },
  ...{ streams: { T: "aaaaaaaaaaaa", B: ["bbbbbbbbbbbb"] }, next: { aaaaaaaaaaaa: 5 }, dict: { rev: 3 }, gen: 2, auth: { keys: 1 } },
  ...{ ops: { "a.b": "read" }, clock: { quality: "synced" }, outbox: { bytes: 5 }, ledger: { polled: 5 }, counts: { devices: 2 } },
};
const reported = {
  v: 1,
  gen: 3,
  phase: "ok",
  docs: [{ id: "config", rev: 1, st: "applied", err: { code: "x", msg: "y" } }],
  drift: [{ path: "/a" }],
};
const command = order("a.b", 1_800_000_000, "n".repeat(22));
const desired = manifest(3, 1_800_000_000, [{ k: "config", id: "c", rev: 1, sha256: "0".repeat(64), size: 1, enc: "json" }]);
const keys = {
  ...{ v: 1, iss: "noc", aud: "gateways", tenant: "acme", version: 2, iat: 1_800_000_000 },
  keys: [{ kid: "k", roles: ["cmd"], x: "A".repeat(43) }],
};
const place = { session: "aaaa-bbbb", connection: 1, sequence: 1 } as const;
const room = "cloud-bridge/protocol/messages";

function message(name: string, valid: unknown, parse: (bytes: Uint8Array) => unknown, file: string): FuzzSubject {
  const bytes = valid instanceof Uint8Array ? valid : text(valid);
  const form = name === "blob" ? "bytes" : "json";
  return {
    name,
    files: [`${room}/${file}.ts`, ...(form === "json" ? [`${room}/json.ts`, "cloud-bridge/protocol/schema.ts"] : [])],
    open: () => ({ valid: [bytes], form, read: taken(parse) }),
  };
}

/** Messages of the wire, both ways. */
export const messageSubjects: readonly FuzzSubject[] = [
  message(
    "ack",
    formatAck({ streams: [{ stream: "aaaaaaaaaaaa" as never, upTo: 5, ranges: [[7, 9]] }], grants: { liveWindow: 4 } }),
    parseAck,
    "ack",
  ),
  message("noc-state", formatNocState({ v: 1, on: true, accept: ["tcc+cbor;zstd"], max_chunk: 65_536 }), parseNocState, "presence"),
  message("hello", hello, parseHello, "presence"),
  message("state", { v: 1, on: true, boot: "b", conn: 3, why: "connect" }, parseState, "presence"),
  message("rep", reported, parseReported, "twin"),
  message("blobq", formatBlobRequest({ v: 1, sha256: "0".repeat(64), off: 0, len: 5, rid: "r" }), parseBlobRequest, "blob"),
  message("blob", formatBlobPiece({ requestId: "r", offset: 0, totalBytes: 3, bytes: Buffer.from("abc") }), parseBlobPiece, "blob"),
  message("des payload", desired, signedMessages.parseManifest, "twin"),
  message("cmd payload", command, signedMessages.parseCommand, "command"),
  message("keys payload", keys, signedMessages.parseKeys, "keys"),
  {
    name: "strict JSON",
    files: [`${room}/strict-json.ts`],
    open: () => ({
      valid: [text(desired), text(command), text({ "a\\u0062": ['\\"', { b: 1 }] })],
      form: "json",
      read: asText(signedMessages.parseStrictJson),
    }),
  },
  {
    name: "topic",
    files: ["cloud-bridge/protocol/topics.ts"],
    open: () => ({ valid: [text("gh/1/acme/g/gw-one/cmd"), text("gh/1/acme/noc/state")], read: asText(parseTopic) }),
  },
  {
    name: "editor frames",
    files: ["cloud-bridge/protocol/editor-frames.ts"],
    open: () => ({
      valid: [
        editorFrameCodec.encode({ ...place, type: "data", bytes: Buffer.from("hello ".repeat(200)) }),
        editorFrameCodec.encode({ ...place, type: "window", credit: 1_024 }),
        editorFrameCodec.encode({ ...place, type: "open" } as never),
        editorFrameCodec.encode({ ...place, type: "end" } as never),
      ],
      read: taken((bytes) => editorFrameCodec.decode(bytes)),
    }),
  },
];
