import { isIP } from "node:net";
import { Secret } from "#model/secret.ts";
import type { Report } from "./load-document.ts";
import { quoted } from "./source.ts";
import { at, itemsOf, textOf } from "./untyped.ts";

/** Shorter keys of an HMAC-SHA256 can be guessed (24 characters of base64 are 18 bytes). */
const minSecretLength = 24;

/** What the schema cannot say of `notify` (gatehouse.yaml) and of the connectors of the NOC's end. */
export function checkNotify(notify: unknown, report: Report): void {
  const places = new Map<string, string>();
  for (const list of ["webhooks", "mail"] as const) {
    for (const [index, entry] of itemsOf(at(notify, list))) {
      const pointer = `/notify/${list}/${index}`;
      const name = textOf(entry.name);
      const first = name === undefined ? undefined : places.get(name);
      if (name !== undefined && first === undefined) places.set(name, pointer);
      if (name !== undefined && first !== undefined) report(`${pointer}/name`, `${quoted(name)} is the name of ${first} already`);
      if (list === "webhooks") checkWebhook(entry, pointer, report);
      else checkMail(entry, pointer, report);
    }
  }
}

/** One receiver of signed webhooks, whichever end sends to it. */
export function checkWebhook(entry: Readonly<Record<string, unknown>>, pointer: string, report: Report): void {
  const url = textOf(entry.url);
  if (url?.startsWith("http://") === true) {
    if (entry.ca !== undefined) report(`${pointer}/ca`, "has no effect with http://; write https:// in url");
    if (!isLoopback(url)) report(`${pointer}/url`, "alarms travel in clear text; use https://", "warning");
  }
  const { secret } = entry;
  if (secret instanceof Secret && secret.reveal() !== "" && secret.reveal().length < minSecretLength) {
    report(`${pointer}/secret`, `a key of fewer than ${minSecretLength} characters can be guessed`);
  }
}

function checkMail(entry: Readonly<Record<string, unknown>>, pointer: string, report: Report): void {
  if ((entry.username === undefined) !== (entry.password === undefined)) report(pointer, "username and password are only useful together");
  if (entry.security !== "none") return;
  if (entry.password !== undefined) report(`${pointer}/password`, "would travel in clear text; use security: starttls or tls");
  if (entry.ca !== undefined) report(`${pointer}/ca`, "has no effect with security: none");
  report(`${pointer}/security`, "alarms travel in clear text; use starttls or tls", "warning");
}

function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname.replaceAll(/^\[|\]$/g, "") ?? "";
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
