import { getServers } from "node:dns";
import type { CheckDefinition } from "#model/check.ts";
import { failed } from "../failure.ts";
import type { ProbeRun } from "../run.ts";
import type { DnsSettings } from "../settings/generated/dns.ts";
import { parseHostPort, said } from "../target.ts";
import { askOverTcp, askOverUdp, type NameServer } from "./ask.ts";
import { type DnsAnswer, type DnsRecord, decodeAnswer, encodeQuery, recordTypes } from "./message.ts";

const maxShownRecords = 16;

/** Asks one name server one question and looks at the answer. */
export async function probeDns(definition: CheckDefinition, run: ProbeRun): Promise<void> {
  const settings = definition.settings as unknown as DnsSettings;
  const server = nameServer(settings);
  const [high = 0, low = 0] = run.world.entropy.bytes(2);
  const query = encodeQuery((high << 8) | low, definition.target, settings.type, settings.recursive);
  if (query === undefined) throw failed("request", "bad-answer", "the target is not a name that can be asked for");
  run.evidence["server"] = said(server);
  const startedMs = run.nowMs();
  let transport = settings.transport;
  let answer = decodeAnswer(await (transport === "tcp" ? askOverTcp : askOverUdp)(run, server, query), query);
  if (answer.truncated && transport === "udp") {
    transport = "tcp";
    answer = decodeAnswer(await askOverTcp(run, server, query), query);
  }
  const tookMs = run.since(startedMs);
  run.values.set("latency", tookMs);
  run.latenciesMs.push(tookMs);
  judge(settings, answer, { transport, tookMs }, run);
}

function nameServer(settings: DnsSettings): NameServer {
  if (settings.server !== undefined) return { host: settings.server, port: settings.port };
  const [first] = getServers();
  const own = first === undefined ? undefined : parseHostPort(first, settings.port);
  if (own === undefined) throw failed("resolve", "name-server", "this machine has no name server of its own; name one in settings.server");
  return own;
}

function judge(
  settings: DnsSettings,
  answer: DnsAnswer,
  how: { readonly transport: string; readonly tookMs: number },
  run: ProbeRun,
): void {
  const wanted = answer.records.filter((record) => record.type === recordTypes[settings.type]);
  run.values.set("answers", wanted.length);
  Object.assign(run.evidence, {
    question: settings.type,
    transport: how.transport,
    rcode: answer.rcode,
    authoritative: answer.authoritative,
    records: answer.records.slice(0, maxShownRecords).map(({ name, ttlS, value }) => ({ name, ttlS, value: value.slice(0, 200) })),
  });
  run.stage = "assertion";
  if (answer.rcode !== settings.rcode) {
    if (answer.rcode === "NXDOMAIN") throw failed("answer", "no-such-name", "the name does not exist (NXDOMAIN)");
    if (answer.rcode === "SERVFAIL" || answer.rcode === "REFUSED")
      throw failed("answer", "name-server", `the name server answered ${answer.rcode}`);
    throw failed("assertion", "assertion", `the name server answered ${answer.rcode}, not ${settings.rcode}`);
  }
  if (settings.rcode === "NOERROR" && wanted.length === 0)
    throw failed("assertion", "assertion", `the answer holds no ${settings.type} record`);
  if (settings.expect !== undefined) compare(settings.expect, wanted, settings.match);
  if (settings.maxMs !== undefined && how.tookMs > settings.maxMs)
    throw failed("assertion", "assertion", `the answer took ${how.tookMs} ms, longer than ${settings.maxMs} ms`);
}

function compare(expected: readonly string[], records: readonly DnsRecord[], match: DnsSettings["match"]): void {
  const found = new Set(records.map((record) => plain(record.value)));
  const missing = expected.filter((value) => !found.has(plain(value)));
  const names = [...found].slice(0, 8).join(", ");
  if (match === "any" ? missing.length === expected.length : missing.length > 0)
    throw failed(
      "assertion",
      "assertion",
      `the answer is ${names}; expected ${match === "any" ? "one of " : ""}${(match === "any" ? expected : missing).slice(0, 8).join(", ")}`,
    );
  if (match !== "exact") return;
  const wanted = new Set(expected.map(plain));
  const others = [...found].filter((value) => !wanted.has(value));
  if (others.length > 0) throw failed("assertion", "assertion", `the answer also holds ${others.slice(0, 8).join(", ")}`);
}

function plain(value: string): string {
  return value.toLowerCase().replace(/\.$/, "");
}
