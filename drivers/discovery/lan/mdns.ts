import type { HostHint } from "#ports/discovery.ts";
import { type DnsRecord, decodeDns, dnsTypes } from "./dns-message.ts";
import { maxServices, said } from "./said.ts";

export const mdnsGroup = "224.0.0.251";
export const mdnsPort = 5353;

/** Keys of TXT records that name a product: printers (Bonjour Printing), Apple, cameras, ESPHome. */
const modelKeys = ["ty", "product", "model", "md", "usb_MDL"];
const vendorKeys = ["usb_MFG", "manufacturer", "mfg", "vendor"];

/**
 * What an mDNS answer says of its sender. Only of its sender: an answer may carry other people's records (proxies, sleep servers), and those
 * are believed when they come from themselves. @throws GatewayError driver.bad-answer
 */
export function readMdns(bytes: Uint8Array, address: string): HostHint | undefined {
  const { isAnswer, records } = decodeDns(bytes);
  if (!isAnswer) return undefined;
  const services = new Set<string>();
  for (const record of records) {
    const type = serviceOf(record);
    if (type !== undefined && services.size < maxServices) services.add(type);
  }
  const texts = records.flatMap((record) => (record.type === dnsTypes.txt && Array.isArray(record.value) ? record.value : []));
  const own = records.find((record) => record.type === dnsTypes.a && record.value === address);
  const srv = records.find((record) => record.type === dnsTypes.srv && typeof record.value === "string");
  const host = said((own?.name ?? (typeof srv?.value === "string" ? srv.value : "")).replace(/\.local$/i, ""));
  const model = textValue(texts, modelKeys);
  const vendor = textValue(texts, vendorKeys);
  if (services.size === 0 && host === "" && model === undefined) return undefined;
  return {
    address,
    source: "mdns",
    ...(host === "" ? {} : { hostName: host }),
    ...(model === undefined ? {} : { model }),
    ...(vendor === undefined ? {} : { vendor }),
    services: [...services],
  };
}

/** `_ipp._tcp` from `Office Printer._ipp._tcp.local`, and from the list of service types. */
function serviceOf({ name, type, value }: DnsRecord): string | undefined {
  const text = type === dnsTypes.ptr && typeof value === "string" ? value : type === dnsTypes.srv ? name : "";
  return /(?:^|\.)(_[a-z0-9-]{1,15}\._(?:tcp|udp))\.local$/i.exec(text)?.[1]?.toLowerCase();
}

function textValue(texts: readonly string[], keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = texts.find((text) => text.toLowerCase().startsWith(`${key.toLowerCase()}=`));
    const value = found === undefined ? "" : said(found.slice(key.length + 1)).replace(/^\((.*)\)$/, "$1");
    if (value !== "") return value;
  }
  return undefined;
}
