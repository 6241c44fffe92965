import type { HostHint } from "#ports/discovery.ts";
import { said } from "./said.ts";

export const ssdpGroup = "239.255.255.250";
export const ssdpPort = 1900;
const maxBytes = 4_096;
const maxLines = 64;

export function encodeSearch(mxS: number): Uint8Array {
  const lines = ["M-SEARCH * HTTP/1.1", `HOST: ${ssdpGroup}:${ssdpPort}`, 'MAN: "ssdp:discover"', `MX: ${mxS}`, "ST: ssdp:all"];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

/** What an announcement or an answer (UPnP Device Architecture 1.1) says of its sender; undefined for searches and farewells. */
export function readSsdp(bytes: Uint8Array, address: string): HostHint | undefined {
  const [start = "", ...lines] = new TextDecoder().decode(bytes.subarray(0, maxBytes)).split(/\r?\n/, maxLines);
  if (!/^(NOTIFY \* HTTP\/1\.[01]|HTTP\/1\.[01] 200)/.test(start)) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0 && colon < 64) headers.set(line.slice(0, colon).trim().toLowerCase(), said(line.slice(colon + 1)));
  }
  if (headers.get("nts") === "ssdp:byebye") return undefined;
  const type = headers.get("nt") ?? headers.get("st") ?? "";
  const service = /^urn:[a-z0-9.-]+:(?:device|service):[a-z0-9._-]+/i.exec(type)?.[0];
  const server = headers.get("server") ?? "";
  if (service === undefined && server === "") return undefined;
  return { address, source: "ssdp", ...(server === "" ? {} : { model: server }), services: service === undefined ? [] : [service] };
}
