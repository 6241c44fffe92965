import { generate, type Packet } from "mqtt-packet";
import { connect, uplinkTo } from "../../cloud-bridge/uplink/fixture.ts";
import { connack, RogueBroker } from "../../cloud-bridge/uplink/rogue-broker.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import type { FuzzRun, RunOptions } from "../subject.ts";

/** Real packets with some bytes changed, cut or doubled: what gets past the first check of a parser. */
function mutant(random: () => number): Uint8Array {
  const samples: Packet[] = [
    connack(0, { receiveMaximum: 10, maximumPacketSize: 5_000, topicAliasMaximum: 5, reasonString: "x", userProperties: { a: "b" } }),
    { cmd: "publish", topic: "gh/1/acme/g/gw-1/cmd", payload: "x", qos: 1, dup: false, retain: false, messageId: 5 },
    { cmd: "publish", topic: "gh/1/acme/g/gw-1/ack", payload: "{}", qos: 0, dup: false, retain: false, properties: { contentType: "a" } },
    { cmd: "puback", messageId: 1, reasonCode: 0 },
    { cmd: "pubrec", messageId: 1, reasonCode: 0 },
    { cmd: "pubrel", messageId: 1, reasonCode: 0 },
    { cmd: "pubcomp", messageId: 1, reasonCode: 0 },
    { cmd: "suback", messageId: 1, granted: [0, 1, 1] },
    { cmd: "unsuback", messageId: 1, granted: [0] },
    { cmd: "pingresp" },
    { cmd: "disconnect", reasonCode: 0x8b, properties: { reasonString: "bye" } },
    { cmd: "auth", reasonCode: 0x18, properties: { authenticationMethod: "x" } },
  ];
  const sample = samples[Math.floor(random() * samples.length)] ?? samples[0];
  const bytes = Uint8Array.from(generate(sample as Packet, { protocolVersion: 5 }));
  const changes = Math.floor(random() * 4);
  for (let i = 0; i < changes; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  if (random() < 0.1) return bytes.subarray(0, Math.floor(random() * bytes.length));
  if (random() < 0.05) return Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256));
  return bytes;
}

export interface FuzzedPackets {
  readonly sent: number;
  readonly sessions: number;
  readonly refusedSessions: number;
  readonly uncaught: readonly unknown[];
}

/** A broker that mixes mutated packets into what it says, before and after CONNACK; then a sound one, which must be understood. */
export async function fuzzPackets({ inputs, seed, onProgress = () => undefined }: RunOptions): Promise<FuzzedPackets> {
  const { random } = seededEntropy(seed);
  const broker = await RogueBroker.start();
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  let [sent, sessions, refusedSessions] = [0, 0, 0];
  try {
    while (sent < inputs) {
      onProgress(sent);
      const early = random() < 0.2;
      broker.manners.connect = (peer) => {
        if (early) for (let i = 0; i < 3; i++) peer.raw(mutant(random));
        peer.send(connack(0));
      };
      sent += early ? 3 : 0;
      // Those that are gone are nobody's: only memory of the test.
      broker.peers.splice(0);
      const session = await connect(uplinkTo(broker.url, { connectTimeoutMs: 100 })).catch(() => undefined);
      if (session === undefined) {
        refusedSessions += 1;
        sent += 1;
        continue;
      }
      sessions += 1;
      const peer = broker.last;
      const publication = session.publish("tm", new Uint8Array(10)).catch(() => undefined);
      for (let i = 0; i < 50 && !peer.closed && sent < inputs; i++, sent++) {
        peer.raw(mutant(random));
        if (i % 5 === 4) await new Promise<void>((resolve) => setImmediate(resolve));
      }
      await session.end("drop");
      await publication;
    }
    onProgress(inputs);
    broker.manners.connect = (peer) => peer.send(connack(0));
    const after = await connect(uplinkTo(broker.url));
    await after.publish("tm", new Uint8Array(1));
    await after.end("drop");
  } finally {
    process.off("uncaughtException", note);
    process.off("unhandledRejection", note);
    await broker.stop();
  }
  return { sent, sessions, refusedSessions, uncaught };
}

const names = ["connection", "guarded-stream", "inbound", "mqtt-uplink", "packet-gate", "puback", "reason-codes", "session", "socket"];

export const packetsRun: FuzzRun = {
  name: "MQTT packets",
  files: names.map((name) => `cloud-bridge/uplink/${name}.ts`),
  run: async (options) => {
    const { sent, sessions, refusedSessions, uncaught } = await fuzzPackets(options);
    if (uncaught.length > 0) throw new Error("not caught", { cause: uncaught[0] });
    return { inputs: sent, refused: refusedSessions, understood: sessions };
  },
};
