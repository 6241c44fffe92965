import type { CheckDefinition } from "#model/check.ts";
import { connectDatagrams, udpHeaderBytes, waitFor } from "../datagrams.ts";
import { failed } from "../failure.ts";
import { resolveHost } from "../resolve.ts";
import { type ProbeRun, rounded } from "../run.ts";
import type { NtpSettings } from "../settings/generated/ntp.ts";
import { type HostPort, parseHostPort, said } from "../target.ts";
import { decodeResponse, encodeRequest, type NtpAnswer, ntpBytes, offsetAndDelay } from "./message.ts";

export const ntpPort = 123;
/** RFC 4330: never more often than that. */
export const spacingMs = 2_000;
const maxStrayDatagrams = 16;

interface Sample {
  readonly answer: NtpAnswer;
  readonly offsetMs: number;
  readonly delayMs: number;
}

/** Compares this gateway's clock with a server's (SNTP, RFC 4330). Of several samples the one with the least delay is the truest. */
export async function probeNtp(definition: CheckDefinition, run: ProbeRun): Promise<void> {
  const settings = definition.settings as unknown as NtpSettings;
  const target = parseHostPort(definition.target, ntpPort);
  if (target === undefined) throw failed("resolve", "bad-answer", "the target is not a host or host:port");
  const { address, family, tookMs } = await resolveHost(run, target.host);
  run.evidence["address"] = address;
  if (tookMs > 0) run.values.set("resolve", tookMs);
  const samples: Sample[] = [];
  for (let index = 0; index < settings.samples; index++) {
    if (index > 0) await run.pause(spacingMs);
    samples.push(await sample(run, { host: address, port: target.port }, udpHeaderBytes[family]));
  }
  const best = samples.reduce((least, one) => (one.delayMs < least.delayMs ? one : least));
  judge(settings, best, samples, run);
}

async function sample(run: ProbeRun, server: HostPort, headerBytes: number): Promise<Sample> {
  run.stage = "answer";
  const { clock, entropy } = run.world;
  const request = encodeRequest(entropy.bytes(8));
  const done = new AbortController();
  let found: Sample | undefined;
  let problem: Error | undefined;
  let strays = 0;
  let t1 = 0;
  let sentAtMs = 0;
  const onMessage = (message: Buffer) => {
    // Its own clock's steps during the exchange do not count: durations are monotonic.
    const t4 = t1 + (clock.monotonicMs() - sentAtMs);
    run.sent(message.length + headerBytes, 1);
    const answer = decodeResponse(message, request, t1);
    if (answer !== undefined) found ??= { answer, ...offsetAndDelay({ t1, t2: answer.receivedMs, t3: answer.sentMs, t4 }) };
    else if (++strays < maxStrayDatagrams) return;
    else problem ??= failed("answer", "bad-answer", `${said(server)} sends datagrams that are no answers`);
    done.abort();
  };
  const onError = (error: Error) => {
    problem ??= error;
    done.abort();
  };
  const socket = await connectDatagrams(run, server, said(server), { onMessage, onError });
  try {
    const now = clock.now();
    t1 = now.wallMs;
    sentAtMs = clock.monotonicMs();
    socket.send(request);
    run.sent(ntpBytes + headerBytes, 1);
    await waitFor(run, run.leftMs(), done.signal);
  } finally {
    socket.close();
  }
  if (found !== undefined) return found;
  throw problem ?? failed("answer", "timeout", `${said(server)} did not answer`);
}

function judge(settings: NtpSettings, best: Sample, samples: readonly Sample[], run: ProbeRun): void {
  const { answer, offsetMs, delayMs } = best;
  Object.assign(run.evidence, {
    offsetsMs: samples.map((one) => rounded(one.offsetMs)),
    delaysMs: samples.map((one) => rounded(one.delayMs)),
    stratum: answer.stratum,
    leap: answer.leap,
    reference: answer.reference,
    rootDelayMs: rounded(answer.rootDelayMs),
    rootDispersionMs: rounded(answer.rootDispersionMs),
    clockQuality: run.world.clock.now().quality,
  });
  if (answer.stratum === 0) throw failed("answer", "refused", `the server refuses us (kiss code ${answer.reference})`);
  run.values.set("stratum", answer.stratum);
  if (answer.leap === 3 || answer.stratum > 15)
    throw failed("answer", "bad-answer", "the server says that its own clock is not synchronised");
  if (!Number.isFinite(offsetMs) || delayMs < 0) throw failed("answer", "bad-answer", "the server's times cannot be");
  run.values.set("offset", rounded(offsetMs));
  run.values.set("latency", rounded(delayMs));
  run.latenciesMs.push(delayMs);
  run.stage = "assertion";
  if (answer.stratum > settings.maxStratum)
    throw failed("assertion", "assertion", `the server is of stratum ${answer.stratum}, above ${settings.maxStratum}`);
  if (Math.abs(offsetMs) > settings.maxOffsetMs)
    throw failed("assertion", "assertion", `the clocks differ by ${rounded(offsetMs)} ms, more than ${settings.maxOffsetMs} ms`);
  if (settings.maxMs !== undefined && delayMs > settings.maxMs)
    throw failed("assertion", "assertion", `the round trip took ${rounded(delayMs)} ms, longer than ${settings.maxMs} ms`);
}
