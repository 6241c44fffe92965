import mqtt from "mqtt";
import { runDemoBroker } from "../../runtime/demo/broker.ts";
import type { InboundMessage, Uplink } from "../../runtime/ports/uplink.ts";
import { clock, uplinkTo } from "../cloud-bridge/uplink/fixture.ts";
import { freePort } from "../integration/noc-peers.ts";
import { ConfiguredMosquitto } from "../integration/uplink-peers.ts";
import { peer } from "../peers.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { FakeUplink } from "../sim/uplink/fake-uplink.ts";
import { NocStub } from "../sim/uplink/noc-stub.ts";

/** One implementation of the port with its broker in the test's hand. */
export interface UplinkSubject {
  readonly uplink: Uplink;
  /** The broker is gone; sessions end, attempts fail. */
  goDown(): Promise<void>;
  /** The NOC says something to the gateway. */
  say(leaf: InboundMessage["leaf"], text: string): Promise<void>;
  stop(): Promise<void>;
}

export interface UplinkSubjectKind {
  readonly name: string;
  /** Why it cannot be tested here; "" if it can. */
  readonly missing: string;
  open(): Promise<UplinkSubject>;
}

async function sayOver(url: string, leaf: InboundMessage["leaf"], text: string): Promise<void> {
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 });
  const topic = leaf === "noc-state" ? "gh/1/acme/noc/state" : `gh/1/acme/g/gw-1/${leaf}`;
  await client.publishAsync(topic, text, { qos: 1 });
  await client.endAsync();
}

async function overMosquitto(): Promise<UplinkSubject> {
  const broker = await ConfiguredMosquitto.start();
  return {
    uplink: uplinkTo(broker.url),
    goDown: () => broker.kill(),
    say: (leaf, text) => sayOver(broker.url, leaf, text),
    stop: () => broker.stop(),
  };
}

async function overDemoBroker(): Promise<UplinkSubject> {
  const port = await freePort();
  const stopped = new AbortController();
  const listening = Promise.withResolvers<void>();
  const running = runDemoBroker("127.0.0.1", port, stopped.signal, () => listening.resolve());
  await listening.promise;
  const goDown = async () => {
    stopped.abort();
    await running;
  };
  const url = `mqtt://127.0.0.1:${port}`;
  return { uplink: uplinkTo(url), goDown, say: (leaf, text) => sayOver(url, leaf, text), stop: goDown };
}

function inMemory(): Promise<UplinkSubject> {
  const uplink = new FakeUplink({ clock, entropy: seededEntropy(1), noc: new NocStub(), identify: () => undefined });
  return Promise.resolve({
    uplink,
    goDown: () => {
      uplink.cut();
      return Promise.resolve();
    },
    say: (leaf, text) => {
      uplink.session?.deliverText(leaf, text);
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  });
}

export const uplinkSubjects: readonly UplinkSubjectKind[] = [
  { name: "mqtt over mosquitto", missing: peer("mosquitto").reason, open: overMosquitto },
  { name: "mqtt over the demo's broker", missing: "", open: overDemoBroker },
  { name: "the simulation's double", missing: "", open: inMemory },
];
