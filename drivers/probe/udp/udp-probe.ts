import type { Socket } from "node:dgram";
import type { CheckDefinition } from "#model/check.ts";
import { connectDatagrams, udpHeaderBytes, waitFor } from "../datagrams.ts";
import { failed } from "../failure.ts";
import { mean } from "../measured.ts";
import { resolveHost } from "../resolve.ts";
import { type ProbeRun, rounded } from "../run.ts";
import type { UdpSettings } from "../settings/generated/udp.ts";
import { parseHostPort, said } from "../target.ts";
import { burstRatio, interarrivalJitter } from "./jitter.ts";
import { type ResponderCounts, readHead, readReply, sessionBytes, writeHead, writeSentMs } from "./packet.ts";
import { responderPort } from "./responder.ts";
import { voiceQuality } from "./voice-quality.ts";

const summaryTries = 3;
/** Time kept for the last answers and the counts. */
export const tailMs = 1_500;

interface Reply {
  readonly sequence: number;
  readonly sentMs: number;
  /** By the responder's clock. */
  readonly turnedMs: number;
  readonly arrivedMs: number;
}

/** What came back of a stream. */
interface Stream {
  readonly sent: number;
  /** First answer to each, in order of arrival. */
  readonly replies: readonly Reply[];
  readonly duplicates: number;
  /** The responder's counts; `complete` = asked for after the last packet. */
  readonly counts: ResponderCounts;
  readonly complete: boolean;
}

/** A stream like a call's: loss and jitter of each direction, reordering, duplicates, and how a call over it would sound. */
export async function probeUdp(definition: CheckDefinition, run: ProbeRun): Promise<void> {
  const settings = definition.settings as unknown as UdpSettings;
  const target = parseHostPort(definition.target, responderPort);
  if (target === undefined) throw failed("resolve", "bad-answer", "the target is not a host or host:port");
  const { address, family, tookMs } = await resolveHost(run, target.host);
  run.evidence["address"] = address;
  if (tookMs > 0) run.values.set("resolve", tookMs);
  const receiver = new Receiver(run, udpHeaderBytes[family]);
  const what = said(target);
  const socket = await connectDatagrams(run, { host: address, port: target.port }, what, receiver);
  try {
    run.stage = "answer";
    await receiver.stream(socket, settings);
  } finally {
    socket.close();
  }
  judge(settings, receiver.result(), what, receiver.problem, run);
}

class Receiver {
  readonly #run: ProbeRun;
  readonly #headerBytes: number;
  readonly #session: Uint8Array;
  readonly #sessionText: string;
  readonly #replies = new Map<number, Reply>();
  readonly #done = new AbortController();
  #sent = 0;
  #duplicates = 0;
  #counts: ResponderCounts = { received: 0, duplicates: 0, reordered: 0 };
  #complete = false;
  problem: Error | undefined;

  constructor(run: ProbeRun, headerBytes: number) {
    this.#run = run;
    this.#headerBytes = headerBytes;
    this.#session = run.world.entropy.bytes(sessionBytes);
    this.#sessionText = Buffer.from(this.#session).toString("hex");
  }

  readonly onMessage = (packet: Buffer): void => {
    const arrivedMs = this.#run.nowMs();
    this.#run.sent(packet.length + this.#headerBytes, 1);
    const head = readHead(packet);
    if (head === undefined || head.session !== this.#sessionText || head.sequence >= this.#sent) return;
    const { sentMs, receivedMs, counts } = readReply(packet);
    if (counts.received >= this.#counts.received) this.#counts = counts;
    if (head.kind === "summary") {
      this.#complete = true;
      this.#done.abort();
    } else if (head.kind === "reply") {
      if (this.#replies.has(head.sequence)) this.#duplicates += 1;
      else this.#replies.set(head.sequence, { sequence: head.sequence, sentMs, turnedMs: receivedMs, arrivedMs });
    }
  };

  /** ICMP: nobody listens. Later packets are sent all the same: one such message may be of an earlier state. */
  readonly onError = (error: Error): void => {
    this.problem ??= error;
  };

  async stream(socket: Socket, { packets, spacingMs, sizeBytes }: UdpSettings): Promise<void> {
    const run = this.#run;
    const startedMs = run.nowMs();
    for (let sequence = 0; sequence < packets; sequence++) {
      const waitMs = startedMs + sequence * spacingMs - run.nowMs();
      if (waitMs > 0) await run.pause(waitMs);
      this.#sent = sequence + 1;
      this.#send(socket, "probe", sequence, sizeBytes);
      // After some packets an answer of ICMP that nobody listens is believed, if nothing else came.
      if (this.problem !== undefined && this.#replies.size === 0 && sequence >= 4) return;
    }
    await this.#askForCounts(socket, sizeBytes);
  }

  /** The last answers may still be on their way, and the last packets may be lost: the counts are asked for up to three times. */
  async #askForCounts(socket: Socket, sizeBytes: number): Promise<void> {
    for (let attempt = 0; attempt < summaryTries && !this.#done.signal.aborted; attempt++) {
      const waitMs = Math.min(tailMs / summaryTries, this.#run.leftMs() - 50);
      if (waitMs <= 0) return;
      // Once around for the last packet before asking, so that what is late is not called lost.
      if (attempt === 0) await this.#run.pause(waitMs / 2);
      this.#send(socket, "ask", this.#sent - 1, sizeBytes);
      await waitFor(this.#run, waitMs, this.#done.signal);
    }
  }

  #send(socket: Socket, kind: "probe" | "ask", sequence: number, sizeBytes: number): void {
    const packet = Buffer.alloc(sizeBytes);
    writeHead(packet, kind, this.#session, sequence);
    writeSentMs(packet, this.#run.nowMs());
    socket.send(packet);
    this.#run.sent(sizeBytes + this.#headerBytes, 1);
  }

  result(): Stream {
    return {
      sent: this.#sent,
      replies: [...this.#replies.values()],
      duplicates: this.#duplicates,
      counts: this.#counts,
      complete: this.#complete,
    };
  }
}

function judge(settings: UdpSettings, stream: Stream, what: string, problem: Error | undefined, run: ProbeRun): void {
  const { sent, replies, counts, complete, duplicates } = stream;
  if (replies.length === 0 && counts.received === 0) {
    run.values.set("loss", 100);
    throw problem ?? failed("answer", "timeout", `${what} answered none of ${sent} packets; does \`gatehouse probe respond\` run there?`);
  }
  const received = Math.min(sent, Math.max(counts.received, replies.length));
  const percent = (lost: number, of: number) => (of === 0 ? 100 : (lost / of) * 100);
  const figures = {
    loss: percent(sent - replies.length, sent),
    lossOut: percent(sent - received, sent),
    lossBack: percent(received - replies.length, received),
    duplicates: counts.duplicates + duplicates,
    reordered: counts.reordered + reorderedBack(replies),
    ...delays(replies),
  };
  const lost = Array.from({ length: sent }, () => true);
  for (const reply of replies) lost[reply.sequence] = false;
  const quality = voiceQuality({
    codec: settings.codec,
    delayMs: Number.isNaN(figures.latency) ? 0 : figures.latency / 2,
    jitterMs: Math.max(0, ...[figures.jitterOut, figures.jitterBack].filter((jitter) => !Number.isNaN(jitter))),
    lossPercent: Math.max(figures.lossOut, figures.lossBack),
    burstRatio: burstRatio(lost),
  });
  const all: Readonly<Record<string, number>> = { ...figures, ...quality };
  for (const [name, value] of Object.entries(all)) if (!Number.isNaN(value)) run.values.set(name, rounded(value));
  run.evidence["stream"] = {
    sent,
    received,
    answered: replies.length,
    countsComplete: complete,
    codec: settings.codec,
    burstRatio: rounded(burstRatio(lost)),
  };
  for (const reply of replies) run.latenciesMs.push(Math.max(0, reply.arrivedMs - reply.sentMs));
  assertAll(settings, all, run);
}

function delays(replies: readonly Reply[]) {
  const trips = replies.map((reply) => Math.max(0, reply.arrivedMs - reply.sentMs));
  const inTurn = [...replies].sort((a, b) => a.turnedMs - b.turnedMs);
  return {
    latency: mean(trips),
    latencyMin: trips.length === 0 ? Number.NaN : Math.min(...trips),
    latencyMax: trips.length === 0 ? Number.NaN : Math.max(...trips),
    jitterOut: interarrivalJitter(inTurn.map(({ sentMs, turnedMs }) => ({ sentMs, arrivedMs: turnedMs }))),
    jitterBack: interarrivalJitter(replies.map(({ turnedMs, arrivedMs }) => ({ sentMs: turnedMs, arrivedMs }))),
  };
}

/** Answers that came after one that the responder sent later. */
function reorderedBack(replies: readonly Reply[]): number {
  let latest = Number.NEGATIVE_INFINITY;
  let reordered = 0;
  for (const { turnedMs } of replies) {
    if (turnedMs < latest) reordered += 1;
    else latest = turnedMs;
  }
  return reordered;
}

function assertAll(settings: UdpSettings, found: Readonly<Record<string, number>>, run: ProbeRun): void {
  run.stage = "assertion";
  const value = (name: string) => found[name] ?? Number.NaN;
  const { maxLossPercent = 99.999, maxJitterMs, minMos, maxMs } = settings;
  if (value("loss") > maxLossPercent)
    throw failed("assertion", "loss", `${rounded(value("loss"))} % lost there and back, more than ${maxLossPercent} %`);
  const jitter = Math.max(value("jitterOut"), value("jitterBack"));
  if (maxJitterMs !== undefined && jitter > maxJitterMs)
    throw failed("assertion", "assertion", `the jitter is ${rounded(jitter)} ms, more than ${maxJitterMs} ms`);
  if (minMos !== undefined && value("mos") < minMos)
    throw failed("assertion", "assertion", `the estimated MOS is ${value("mos").toFixed(2)}, below ${minMos}`);
  if (maxMs !== undefined && value("latency") > maxMs)
    throw failed("assertion", "assertion", `the mean round trip took ${rounded(value("latency"))} ms, longer than ${maxMs} ms`);
}
