import { isUtf8 } from "node:buffer";
import { clip, withoutControls } from "./printable.ts";

/** Octets looked at; RFC 5424 asks receivers for 2,048 and suggests more. */
const maxOctets = 8_192;
const maxTextLength = 2_000;
const maxStructuredParams = 16;
const maxParamLength = 160;

/** One syslog message, however it came: RFC 5424, RFC 3164 or neither. */
export interface SyslogMessage {
  readonly format: "rfc5424" | "rfc3164" | "bare";
  /** 0..23; 1 (user) where there is no PRI. */
  readonly facility: number;
  /** 0 emergency .. 7 debug; 5 (notice) where there is no PRI. */
  readonly severity: number;
  /** The sender's own time as it wrote it; never used as a date, since its clock and zone are unknown. */
  readonly time?: string;
  readonly hostname?: string;
  readonly app?: string;
  readonly processId?: string;
  readonly messageId?: string;
  /** `FAC-SEV-MNEMONIC` of messages in Cisco's style. */
  readonly mnemonic?: string;
  /** `id.name` -> value */
  readonly structured: Readonly<Record<string, string>>;
  /** Without control characters, at most 2,000 characters. */
  readonly text: string;
  readonly truncated: boolean;
}

type Parts = Omit<SyslogMessage, "facility" | "severity" | "truncated" | "mnemonic">;

/** Never throws: whatever does not fit a format is text. */
export function parseSyslog(octets: Uint8Array): SyslogMessage {
  const raw = decode(octets.subarray(0, maxOctets));
  const priority = /^<(\d{1,3})>/.exec(raw);
  const value = priority === null ? 13 : Number(priority[1]);
  const valid = value <= 191;
  const rest = raw.slice(priority !== null && valid ? priority[0].length : 0);
  const parts = (priority === null ? undefined : parse5424(rest)) ?? parse3164(rest);
  const mnemonic = /%([A-Z][A-Z0-9_]{1,31}-[0-7]-[A-Z0-9_]{1,63}):/.exec(parts.text.slice(0, 200))?.[1];
  return {
    ...parts,
    facility: valid ? value >> 3 : 1,
    severity: valid ? value & 7 : 5,
    ...(mnemonic === undefined ? {} : { mnemonic }),
    text: clip(parts.text, maxTextLength),
    truncated: octets.length > maxOctets || parts.text.length > maxTextLength,
  };
}

/** UTF-8, with a character cut off at the end at most; else the old western encoding that such senders use. */
function decode(octets: Uint8Array): string {
  const whole = octets.subarray(0, octets.length - cutOff(octets));
  return Buffer.from(isUtf8(whole) ? whole : octets).toString(isUtf8(whole) ? "utf8" : "latin1");
}

/** Octets of an unfinished UTF-8 sequence at the end: a lead octet with fewer continuations than it announces. */
function cutOff(octets: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, octets.length); back++) {
    const octet = octets[octets.length - back] ?? 0;
    if (octet >= 0x80 && octet < 0xc0) continue;
    const announced = octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : octet >= 0xc2 ? 2 : 1;
    return announced > back && octet < 0xf5 ? back : 0;
  }
  return 0;
}

function parse5424(rest: string): Parts | undefined {
  const head = /^1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) /.exec(rest);
  if (head === null) return undefined;
  const [whole, time, hostname, app, processId, messageId] = head;
  const body = rest.slice(whole.length);
  const { structured, end } = parseStructured(body);
  const text = body
    .slice(end)
    .replace(/^ /, "")
    .replace(/^\ufeff/, "");
  return { format: "rfc5424", ...given({ time, hostname, app, processId, messageId }), structured, text: tidy(text) };
}

/** `-` or `[id name="value" ...]...`; what is not well formed ends it and is text. */
function parseStructured(body: string): { readonly structured: Record<string, string>; readonly end: number } {
  const structured = new Map<string, string>();
  if (body.startsWith("-")) return { structured: {}, end: 1 };
  let end = 0;
  while (body[end] === "[") {
    const element = /^\[([^\s="\]]{1,64})/.exec(body.slice(end, end + 66));
    if (element === null) break;
    const id = element[1] ?? "";
    let at = end + element[0].length;
    for (;;) {
      const param = /^ ([^\s="\]]{1,64})="((?:[^"\\\]]|\\.)*)"/s.exec(body.slice(at, at + 2_048));
      if (param === null) break;
      const [whole, name = "", value = ""] = param;
      if (structured.size < maxStructuredParams)
        structured.set(`${id}.${name}`, clip(tidy(value.replaceAll(/\\(["\\\]])/g, "$1")), maxParamLength));
      at += whole.length;
    }
    if (body[at] !== "]") break;
    end = at + 1;
  }
  return { structured: Object.fromEntries(structured), end };
}

const months = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";
/** `Oct 11 22:14:15`, also with year, fraction and zone, with Cisco's sequence number and `*`/`.` before it, or ISO 8601. */
const bsdTime = new RegExp(
  `^(?:\\d{1,10}: )?[*.]?((?:${months}) {1,2}\\d{1,2}(?: \\d{4})? \\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,9})?(?: [A-Z]{3,4})?|\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}[0-9.:Z+-]{0,20}):? `,
);

function parse3164(rest: string): Parts {
  const timed = bsdTime.exec(rest);
  if (timed === null) return { format: "bare", ...tagOf(rest) };
  const behind = rest.slice(timed[0].length);
  // A host name is one word without a colon; a tag follows it.
  const host = /^([A-Za-z0-9_.:-]{1,255}) (?=\S)/.exec(behind);
  const hostname = host?.[1];
  const named = hostname !== undefined && !hostname.endsWith(":");
  return {
    format: "rfc3164",
    ...given({ time: timed[1], hostname: named ? hostname : undefined }),
    ...tagOf(named ? behind.slice((host?.[0] ?? "").length) : behind),
  };
}

function tagOf(content: string): Pick<Parts, "app" | "processId" | "text" | "structured"> {
  const tagged = /^([A-Za-z0-9_./-]{1,48})(?:\[(\d{1,10})\])?: ?/.exec(content);
  if (tagged === null) return { structured: {}, text: tidy(content) };
  return { ...given({ app: tagged[1], processId: tagged[2] }), structured: {}, text: tidy(content.slice(tagged[0].length)) };
}

function tidy(text: string): string {
  return withoutControls(text).trim();
}

/** Leaves out what is absent or the nil value. */
function given<K extends string>(fields: Readonly<Record<K, string | undefined>>): { readonly [P in K]?: string } {
  const present: { [P in K]?: string } = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined && value !== "-" && value !== "") present[key] = withoutControls(value);
  }
  return present;
}
