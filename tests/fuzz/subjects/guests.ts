import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { RemoteEditors } from "../../../cloud-bridge/noc/editor/remote-editors.ts";
import { TunnelEnd } from "../../../cloud-bridge/noc/editor/tunnel-end.ts";
import { editorFrameCodec } from "../../../cloud-bridge/protocol/editor-frames.ts";
import { Tunnel } from "../../../flows/editor-tunnel.ts";
import { FrameReader, messageFrame } from "../../../flows/frames.ts";
import { Line } from "../../../flows/host/line.ts";
import { HostLink, type HostLinkHandlers } from "../../../flows/host-link.ts";
import { ManualClock } from "../../store/manual-clock.ts";
import { type FuzzSubject, text } from "../subject.ts";

const session = "aaaa-bbbb";
const place = { session, connection: 1, sequence: 1 } as const;

/** What the child says. */
const said: readonly object[] = [
  { t: "ready", types: ["inject", "debug"], nodeRed: "5.0.7", tookMs: 5 },
  { t: "pong", n: 1, created: 3, heapBytes: 5, dropped: { "a/b": 2 } },
  { t: "deployed", n: 1, missing: ["x"], created: 4, error: "no" },
  { t: "ack", frames: 3 },
  { t: "subscribe", list: [{ node: "n", service: "s", filter: { kind: "metric", equipment: "sw-1", metric: "ifInOctets", windowS: 60 } }] },
  { t: "order", n: 1, service: "s", node: "n", operation: "alarm.set", arguments: { type: "x", text: "y" } },
  { t: "log", level: 40, unit: "u", node: "n", text: "x" },
  { t: "status", unit: "u", node: "n", fill: "red", shape: "dot", text: "x" },
  { t: "result", n: 1, value: { a: 1 } },
  { t: "connection", connection: 1, event: "end" },
  { t: "window", connection: 1, bytes: 100 },
];

/** The telemetry process' end: frames and messages of an untrusted child. */
function openHostLink() {
  let received = 0;
  const read = (bytes: Uint8Array) => {
    let onData: (bytes: Uint8Array) => void = () => undefined;
    const pipe = {
      bufferedBytes: 0,
      write: () => undefined,
      destroy: () => undefined,
      onClose: () => undefined,
      onData: (take: (bytes: Uint8Array) => void) => {
        onData = take;
      },
    };
    let failure: unknown;
    const handlers: HostLinkHandlers = {
      taken: (message) => message,
      onMessage: (message: { readonly t: string }) => {
        if (typeof message.t !== "string") throw new Error("a message without a kind");
        received += 1;
      },
      onEditor: () => undefined,
      onBroken: (error?: unknown) => {
        failure = error;
      },
    };
    const link = new HostLink({ pipe: pipe as never, clock: new ManualClock(), handlers });
    onData(bytes);
    link.close();
    if (failure !== undefined) throw failure;
  };
  const check = () => {
    if (received === 0) throw new Error("no message came through");
  };
  return { valid: said.map((one) => messageFrame(JSON.stringify(one))), read, check };
}

function openHostMessages() {
  const { read } = openHostLink();
  return {
    valid: said.map(text),
    form: "json" as const,
    read: (bytes: Uint8Array) => read(messageFrame(Buffer.from(bytes).toString("utf8"))),
  };
}

/** The child's end: what comes is trusted for its meaning, and still must not end it but by its own protocol. */
function openLine() {
  const read = (bytes: Uint8Array) => {
    const socket = new PassThrough();
    let failure: unknown;
    const line = new Line(socket as unknown as Socket, { onMessage: () => undefined, onEditor: () => undefined, onEnd: () => undefined });
    socket.on("error", (error) => {
      failure = error;
    });
    const reader = new FrameReader(() => undefined);
    reader.push(bytes);
    void line;
    socket.destroy();
    if (failure !== undefined) throw failure;
  };
  return { valid: [messageFrame('{"t":"ping","n":1}')], read };
}

const frames = [
  { ...place, type: "open" },
  { ...place, sequence: 2, type: "data", bytes: Buffer.from("GET /editor/ HTTP/1.1\r\nhost: x\r\n\r\n") },
  { ...place, connection: 0, type: "window", credit: 1_024 },
  { ...place, sequence: 3, type: "end" },
  { ...place, sequence: 3, type: "reset" },
].map((frame) => editorFrameCodec.encode(frame as never));

/** The gateway's end of the remote editor: frames that a broker may make up. */
async function openGatewayTunnel() {
  const door = {
    open: async () => ({ path: "/editor/", token: "t", expiresInMs: 1 }),
    handOver: (connection: { resume(): void; on(event: string, listener: () => void): void }) => {
      connection.on("data", () => undefined);
      connection.resume();
    },
  };
  const clock = new ManualClock();
  const tunnel = new Tunnel({ clock, door: door as never, frames: editorFrameCodec });
  const who = { person: "ana", scope: "flows.write" } as const;
  await tunnel.openSession({ id: session, who, ttlMs: 1e12 }, new AbortController().signal);
  const read = (bytes: Uint8Array) => {
    tunnel.receive(bytes);
    for (let frame = tunnel.next(); frame !== undefined; frame = tunnel.next()) void frame;
  };
  return { valid: frames, read };
}

/** The NOC's end of it: frames of a gateway that was taken over. */
function openNocTunnel() {
  const publish = () => true;
  let tunnel = new TunnelEnd(session, publish);
  let count = 0;
  const authority = { onEditorFrame: undefined as ((site: object, payload: Uint8Array) => void) | undefined };
  void new RemoteEditors({
    authority: authority as never,
    clock: new ManualClock(),
    entropy: undefined as never,
    logger: undefined as never,
  });
  const read = (bytes: Uint8Array) => {
    count += 1;
    if (count % 50 === 1) {
      tunnel.close();
      tunnel = new TunnelEnd(session, publish);
      const stream = tunnel.connect();
      stream.on("error", () => undefined);
      stream.on("data", () => undefined);
    }
    // Of no session it knows: dropped.
    authority.onEditorFrame?.({}, bytes);
    tunnel.receive(editorFrameCodec.decode(bytes), bytes.length);
  };
  return { valid: frames, read, close: () => tunnel.close() };
}

/** Flow host and remote editor. */
export const guestSubjects: readonly FuzzSubject[] = [
  { name: "pipe of the flow host", files: ["flows/frames.ts", "flows/host-link.ts", "flows/host-message.ts"], open: openHostLink },
  { name: "messages of the flow host", files: ["flows/host-message.ts"], open: openHostMessages },
  { name: "pipe to the flow host", files: ["flows/frames.ts"], open: openLine },
  {
    name: "remote editor, gateway's end",
    files: ["flows/editor-tunnel.ts", "cloud-bridge/protocol/editor-frames.ts"],
    open: openGatewayTunnel,
  },
  {
    name: "remote editor, NOC's end",
    files: ["cloud-bridge/noc/editor/tunnel-end.ts", "cloud-bridge/noc/editor/tunnel-stream.ts"],
    open: openNocTunnel,
  },
];
