import { isIP } from "node:net";
import type { CheckDefinition, CheckType } from "#model/check.ts";
import type { CheckProblem, CheckRules } from "#ports/checks.ts";
import { estimate } from "./estimate.ts";
import { httpProblems } from "./http/rules.ts";
import { ntpPort, spacingMs as ntpSpacingMs } from "./ntp/ntp-probe.ts";
import dnsSchema from "./settings/dns.schema.json" with { type: "json" };
import { type DnsSettings, validate as dns } from "./settings/generated/dns.ts";
import { validate as http } from "./settings/generated/http.ts";
import { type IcmpSettings, validate as icmp } from "./settings/generated/icmp.ts";
import { type NtpSettings, validate as ntp } from "./settings/generated/ntp.ts";
import { type PathSettings, validate as path } from "./settings/generated/path.ts";
import { type TcpSettings, validate as tcp } from "./settings/generated/tcp.ts";
import { type TlsSettings, validate as tls } from "./settings/generated/tls.ts";
import { type UdpSettings, validate as udp } from "./settings/generated/udp.ts";
import httpSchema from "./settings/http.schema.json" with { type: "json" };
import icmpSchema from "./settings/icmp.schema.json" with { type: "json" };
import ntpSchema from "./settings/ntp.schema.json" with { type: "json" };
import pathSchema from "./settings/path.schema.json" with { type: "json" };
import tcpSchema from "./settings/tcp.schema.json" with { type: "json" };
import tlsSchema from "./settings/tls.schema.json" with { type: "json" };
import udpSchema from "./settings/udp.schema.json" with { type: "json" };
import { isHost, parseHostPort } from "./target.ts";
import { responderPort } from "./udp/responder.ts";
import { tailMs } from "./udp/udp-probe.ts";

const settings: Readonly<Record<CheckType, ReturnType<CheckRules["settings"]>>> = {
  icmp: { schema: icmpSchema, validate: icmp },
  tcp: { schema: tcpSchema, validate: tcp },
  tls: { schema: tlsSchema, validate: tls },
  http: { schema: httpSchema, validate: http },
  dns: { schema: dnsSchema, validate: dns },
  ntp: { schema: ntpSchema, validate: ntp },
  udp: { schema: udpSchema, validate: udp },
  path: { schema: pathSchema, validate: path },
};

/** What is wrong with a check, without sending anything. */
export const probeRules: CheckRules = { settings: (type) => settings[type], basics, problems, estimate };

type Tell = (pointer: string, sentence: string) => void;

function problems(definition: CheckDefinition): readonly CheckProblem[] {
  const found: CheckProblem[] = [];
  typeProblems[definition.type](definition, (pointer, sentence) => found.push({ pointer, sentence }));
  return found;
}

function basics(definition: CheckDefinition): readonly CheckProblem[] {
  const found: CheckProblem[] = [];
  const tell: Tell = (pointer, sentence) => found.push({ pointer, sentence });
  const { timeoutMs, intervalMs, vantage } = definition;
  if (timeoutMs >= intervalMs)
    tell("/timeoutMs", `a run may take ${timeoutMs} ms, and the next begins after ${intervalMs} ms: make it shorter than the interval`);
  if (vantage !== undefined && isIP(vantage) === 0) tell("/vantage", "must be an address of this gateway");
  targetProblems(definition, tell);
  return found;
}

function targetProblems({ type, target }: CheckDefinition, tell: Tell): void {
  const missing = {
    icmp: isHost(target) ? undefined : "must be a host name or an address",
    path: isHost(target) ? undefined : "must be a host name or an address",
    tcp: parseHostPort(target) === undefined ? "must be host:port, as in mail.example.net:25" : undefined,
    tls: parseHostPort(target) === undefined ? "must be host:port, as in www.example.net:443" : undefined,
    ntp: parseHostPort(target, ntpPort) === undefined ? "must be a host or host:port" : undefined,
    udp: parseHostPort(target, responderPort) === undefined ? "must be a host or host:port" : undefined,
    dns: /^(?=.{1,253}$)[^\s.]{1,63}(\.[^\s.]{1,63})*\.?$/.test(target) ? undefined : "must be a name to look up",
    http: urlProblem(target),
  }[type];
  if (missing !== undefined) tell("/target", missing);
}

function urlProblem(target: string): string | undefined {
  const url = URL.parse(target);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return "must be an http:// or https:// URL";
  return url.username === "" && url.password === "" ? undefined : "holds a user or password; use a credential";
}

const typeProblems: Readonly<Record<CheckType, (definition: CheckDefinition, tell: Tell) => void>> = {
  icmp: (definition, tell) => {
    const { packets, spacingMs, maxMs } = definition.settings as unknown as IcmpSettings;
    const streamMs = (packets - 1) * spacingMs;
    if (streamMs + 500 > definition.timeoutMs)
      tell("/timeoutMs", `${packets} packets every ${spacingMs} ms take ${streamMs} ms; allow 500 ms more for the answers`);
    checkMaxMs(maxMs, definition, tell);
  },
  tcp: (definition, tell) => checkMaxMs((definition.settings as unknown as TcpSettings).maxMs, definition, tell),
  tls: (definition, tell) => {
    const { maxMs, ca, verify } = definition.settings as unknown as TlsSettings;
    checkMaxMs(maxMs, definition, tell);
    checkTls({ ca, verify }, "/settings", tell);
  },
  http: (definition, tell) => {
    for (const { pointer, sentence } of httpProblems(definition)) tell(pointer, sentence);
  },
  dns: dnsProblems,
  ntp: (definition, tell) => {
    const { samples, maxMs } = definition.settings as unknown as NtpSettings;
    const streamMs = (samples - 1) * ntpSpacingMs;
    if (streamMs + 500 > definition.timeoutMs)
      tell("/timeoutMs", `${samples} samples every ${ntpSpacingMs} ms take ${streamMs} ms; allow 500 ms more for the answers`);
    checkMaxMs(maxMs, definition, tell);
  },
  udp: (definition, tell) => {
    const { packets, spacingMs, maxMs } = definition.settings as unknown as UdpSettings;
    const streamMs = (packets - 1) * spacingMs;
    if (streamMs + tailMs > definition.timeoutMs)
      tell("/timeoutMs", `${packets} packets every ${spacingMs} ms take ${streamMs} ms; allow ${tailMs} ms more for the answers`);
    checkMaxMs(maxMs, definition, tell);
  },
  path: (definition, tell) => {
    const { hopTimeoutMs, through, maxHops } = definition.settings as unknown as PathSettings;
    if (hopTimeoutMs >= definition.timeoutMs)
      tell("/settings/hopTimeoutMs", `is as long as the whole run may take (${definition.timeoutMs} ms)`);
    for (const [index, address] of (through ?? []).entries())
      if (isIP(address) === 0) tell(`/settings/through/${index}`, "must be an IP address");
    if ((through?.length ?? 0) > maxHops) tell("/settings/through", `cannot be true: ${through?.length} routers within ${maxHops} hops`);
  },
};

function checkMaxMs(maxMs: number | undefined, { timeoutMs }: CheckDefinition, tell: Tell): void {
  if (maxMs !== undefined && maxMs >= timeoutMs) tell("/settings/maxMs", `can never be exceeded: the run ends after ${timeoutMs} ms`);
}

/** @param pointer of the object that holds `ca` and `verify` */
export function checkTls({ ca, verify }: { readonly ca: string | undefined; readonly verify: boolean }, pointer: string, tell: Tell): void {
  if (ca === undefined) return;
  if (!verify) tell(`${pointer}/ca`, "has no effect with verify: false");
  if (!ca.includes("-----BEGIN CERTIFICATE-----")) tell(`${pointer}/ca`, "must be a certificate in PEM");
}

function dnsProblems(definition: CheckDefinition, tell: Tell): void {
  const { type, expect, rcode, server, maxMs, match } = definition.settings as unknown as DnsSettings;
  checkMaxMs(maxMs, definition, tell);
  if (server !== undefined && isIP(server) === 0) tell("/settings/server", "must be an IP address");
  if (expect === undefined) return;
  if (rcode !== "NOERROR") tell("/settings/expect", `cannot be true: an answer with ${rcode} holds no values`);
  if (expect.length === 0) tell("/settings/expect", match === "any" ? "cannot be true: one of none" : "is empty; leave it out");
  const family = type === "A" ? 4 : 6;
  for (const [index, value] of expect.entries()) {
    if ((type === "A" || type === "AAAA") && isIP(value) !== family)
      tell(`/settings/expect/${index}`, `cannot be the answer to ${type}: not an IPv${family} address`);
    if (type === "MX" && !/^\d{1,5} \S+$/.test(value)) tell(`/settings/expect/${index}`, "must be as in `10 mail.example.net`");
    if (type === "SRV" && !/^\d{1,5} \d{1,5} \d{1,5} \S+$/.test(value))
      tell(`/settings/expect/${index}`, "must be as in `0 5 5060 sip.example.net`");
  }
}
