import type { AlarmChange } from "#model/observation.ts";

export interface MailEnvelope {
  readonly from: string;
  readonly to: readonly string[];
}

export interface MailPlace {
  readonly tenant: string;
  readonly gateway: string;
  readonly site: string;
}

const maxTextChars = 4_096;
/** Room for 45 octets of UTF-8 in an encoded word of at most 75 characters (RFC 2047). */
const wordOctets = 45;

/**
 * A mail of one alarm change, CRLF ended, ready for DATA: its body is base64, so that no line begins with a dot. A repetition has the same
 * Message-ID; changes of one instance refer to its first, so that mail readers show one thread.
 */
export function alarmMail(change: AlarmChange, envelope: MailEnvelope, place: MailPlace, nowMs: number): string {
  const headers = [
    ["From", envelope.from],
    ["To", envelope.to.join(",\r\n ")],
    ["Subject", encodedWords(subjectOf(change, place))],
    ["Date", mailDate(nowMs)],
    ["Message-ID", messageId(change, place, String(change.rev))],
    ["References", messageId(change, place, "0")],
    ["Auto-Submitted", "auto-generated"],
    ["X-Gatehouse-Alarm", `${change.key}; id=${change.id}; rev=${change.rev}`],
    ["MIME-Version", "1.0"],
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Content-Transfer-Encoding", "base64"],
  ] as const;
  const body = Buffer.from(bodyOf(change, place)).toString("base64").replaceAll(/.{76}/g, "$&\r\n");
  return `${headers.map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n${body}\r\n`;
}

function subjectOf(change: AlarmChange, place: MailPlace): string {
  const state = change.cleared ? "cleared" : change.severity;
  return oneLine(`[${place.site}] ${state}: ${change.text}`).slice(0, 200);
}

function bodyOf(change: AlarmChange, place: MailPlace): string {
  const { attributes, observedAt, raisedAt } = change;
  const time = (wallMs: number) =>
    observedAt.quality === "unanchored" ? "not known (the gateway's clock is not set)" : new Date(wallMs).toISOString();
  const repair = typeof attributes["repair"] === "string" ? attributes["repair"] : undefined;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ["Alarm", oneLine(change.text)],
    ["State", change.cleared ? `cleared (was ${change.severity})` : change.severity],
    ["Where", [place.tenant, place.site, change.equipment, change.path].filter((part) => part !== undefined && part !== "").join(" / ")],
    ["Type", [change.type, change.qualifier].filter((part) => part !== "").join(" ")],
    ["Raised", time(raisedAt.wallMs)],
    ["Changed", time(observedAt.wallMs)],
    ["What to do", repair === undefined ? undefined : oneLine(repair)],
    ["Alarm key", change.key],
  ];
  const text = lines.flatMap(([name, value]) => (value === undefined ? [] : [`${`${name}:`.padEnd(12)} ${value}`])).join("\r\n");
  return `${text}\r\n\r\nSent by gateway ${place.gateway} itself: the NOC could not be reached.\r\n`;
}

function messageId(change: AlarmChange, place: MailPlace, revision: string): string {
  return `<${change.id}.${revision}@${place.gateway}.gatehouse.invalid>`;
}

/** No control characters: what an alarm says may come from a device. */
function oneLine(text: string): string {
  return text
    .slice(0, maxTextChars)
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim();
}

/** RFC 2047, cut between characters. */
function encodedWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && text.length <= 60) return text;
  const words: string[] = [];
  let word = "";
  for (const character of text) {
    if (Buffer.byteLength(word + character) > wordOctets) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  words.push(word);
  return words.map((each) => `=?utf-8?B?${Buffer.from(each).toString("base64")}?=`).join("\r\n ");
}

/** RFC 5322; `toUTCString` writes "GMT", which mail calls obsolete. */
function mailDate(ms: number): string {
  return new Date(ms).toUTCString().replace("GMT", "+0000");
}
