import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { createProber } from "../../../drivers/probe/prober.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import type { CheckType } from "../../../runtime/model/check.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";

/** One figure against what the line was set to. */
export interface Accuracy {
  readonly set: number;
  readonly seen: number;
  readonly errorPercent: number;
}

const prober = createProber({ clock: new SystemClock(() => true), entropy: seededEntropy(1), credential: (name) => ({ name }) });

async function run(type: CheckType, target: string, settings: Record<string, unknown>): Promise<ReadonlyMap<string, number>> {
  if (!prober.rules.settings(type).validate(settings)) throw new Error("settings");
  const definition = { id: "a", type, target, intervalMs: 60_000, timeoutMs: 30_000, settings };
  const { values, failure } = await prober.run(definition, new AbortController().signal);
  if (failure !== undefined) throw new Error(failure.text);
  return values;
}

type DelayOf = (index: number) => number | undefined;

/** A datagram line: each direction's n-th stream packet so much later, or (undefined) lost. */
async function line(responder: number, out: DelayOf, back: DelayOf): Promise<number> {
  const near = createSocket("udp4");
  const far = createSocket("udp4");
  let prober: RemoteInfo | undefined;
  const index = { out: 0, back: 0 };
  const pass = (packet: Buffer, kind: number, delay: () => number | undefined, send: () => void) => {
    const delayMs = packet[4] === kind ? delay() : 0;
    if (delayMs !== undefined) setTimeout(send, delayMs);
  };
  near.on("message", (packet, from) => {
    prober = from;
    pass(
      packet,
      1,
      () => out(index.out++),
      () => far.send(packet, responder, "127.0.0.1"),
    );
  });
  far.on("message", (packet) =>
    pass(
      packet,
      2,
      () => back(index.back++),
      () => prober !== undefined && near.send(packet, prober.port, prober.address),
    ),
  );
  near.bind(0, "127.0.0.1");
  far.bind(0, "127.0.0.1");
  await Promise.all([once(near, "listening"), once(far, "listening")]);
  return near.address().port;
}

async function tcpLine(port: number, delayMs: number): Promise<number> {
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("data", (part) => setTimeout(() => to.destroyed || to.write(part), delayMs));
      from.on("end", () => setTimeout(() => to.end(), delayMs));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as { readonly port: number }).port;
}

const repeats = 5;

/** Delay, loss and jitter over lines with an exact pattern: the median of five runs, after one that warms up. */
export async function measureAccuracy(responder: number): Promise<Readonly<Record<string, Accuracy>>> {
  const found: Record<string, Accuracy> = {};
  const note = async (
    set: Readonly<Record<string, readonly [metric: string, value: number]>>,
    measure: () => Promise<ReadonlyMap<string, number>>,
  ) => {
    await measure();
    const runs: ReadonlyMap<string, number>[] = [];
    for (let count = 0; count < repeats; count++) runs.push(await measure());
    for (const [name, [metric, value]] of Object.entries(set)) {
      const seen = runs.map((one) => one.get(metric) ?? Number.NaN).toSorted((a, b) => a - b)[Math.floor(repeats / 2)] ?? Number.NaN;
      found[name] = { set: value, seen: Math.round(seen * 100) / 100, errorPercent: Math.round(((seen - value) / value) * 10_000) / 100 };
    }
  };
  const udp = async (out: DelayOf, back: DelayOf, settings: Record<string, unknown>) =>
    run("udp", `127.0.0.1:${await line(responder, out, back)}`, settings);
  const later: DelayOf = () => 50;
  await note({ "udp round trip, 50 ms each way, ms": ["latency", 100] }, () => udp(later, later, { packets: 50, spacingMs: 20 }));
  const alternating: DelayOf = (index) => (index % 2 === 0 ? 10 : 50);
  const steady: DelayOf = () => 10;
  const calm = { packets: 50, spacingMs: 60 };
  await note({ "udp jitter out, 10 and 50 ms in turn, ms": ["jitterOut", 40] }, () => udp(alternating, steady, { ...calm }));
  await note({ "udp jitter back, the same, ms": ["jitterBack", 40] }, () => udp(steady, alternating, { ...calm }));
  const losses = { "udp loss out, every tenth, %": ["lossOut", 10], "udp loss back, every fifth, %": ["lossBack", 20] } as const;
  const lossy =
    (share: number): DelayOf =>
    (index) =>
      index % share === share - 1 ? undefined : 10;
  await note(losses, () => udp(lossy(10), lossy(5), { packets: 200, spacingMs: 10 }));
  const web = createHttpServer((_request, response) => {
    response.write("first");
    setTimeout(() => response.end("last"), 200);
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  const port = await tcpLine((web.address() as { readonly port: number }).port, 50);
  const phases = {
    "http first byte, 50 ms each way, ms": ["firstByte", 100],
    "http rest of the body 200 ms later, ms": ["transfer", 200],
  } as const;
  await note(phases, () => run("http", `http://127.0.0.1:${port}/`, {}));
  return found;
}
