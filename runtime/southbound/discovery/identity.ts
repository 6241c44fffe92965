import type { DeviceDescription, LinkFacts } from "#ports/discovery.ts";

/** By what a device can be told from all others, strongest first. Absent = the device has none that would identify it. */
export interface IdentityKeys {
  readonly engine?: string;
  /** `vendor/serial`, lower case; one per member of a stack. */
  readonly serials: readonly string[];
  /** dot1dBaseBridgeAddress or an LLDP chassis id that is a MAC. */
  readonly bridge?: string;
  /** Lowest burnt-in address. */
  readonly mac?: string;
}

const noSerials = new Set([
  "",
  "0",
  "none",
  "n/a",
  "na",
  "null",
  "unknown",
  "<private>",
  "default string",
  "to be filled by o.e.m.",
  "not specified",
  "not available",
  "123456789",
  "1234567890",
  "0123456789",
  "system serial number",
]);

/** Virtual routers (VRRP, CARP, HSRP, GLBP): the address moves from one to the other. */
const virtualRouters = /^(00:00:5e:00:0[12]|00:00:0c:07:ac|00:00:0c:9f:f|00:07:b4:00)/;

/** Whether a MAC address was burnt into one device: not zero, not a group, not locally administered, not a virtual router's. */
export function isBurntIn(mac: string): boolean {
  const first = Number.parseInt(mac.slice(0, 2), 16);
  return (first & 3) === 0 && mac !== "00:00:00:00:00:00" && !virtualRouters.test(mac);
}

/**
 * Whether an snmpEngineID (RFC 3411 5) can identify anything. Images and factories hand out the same one: nothing but equal octets after the
 * header, a loopback address, a MAC that is not burnt in, a text like "localhost".
 */
export function isUniqueEngineId(hex: string): boolean {
  if (!/^([0-9a-f]{2}){5,32}$/.test(hex)) return false;
  const octets = hex.match(/../g) ?? [];
  const isRfc3411 = Number.parseInt(octets[0] ?? "0", 16) >= 128;
  const body = octets.slice(isRfc3411 ? 5 : 4);
  if (body.length === 0 || body.every((octet) => octet === body[0])) return false;
  if (!isRfc3411) return true;
  const rest = body.join("");
  if (octets[4] === "01") return !/^(7f|00|a9fe)/.test(rest);
  if (octets[4] === "03") return body.length !== 6 || isBurntIn(body.join(":"));
  if (octets[4] === "04") return !/^(localhost|default|snmpd?|test|unknown)$/i.test(Buffer.from(rest, "hex").toString("latin1"));
  return true;
}

/** What was read of one answering address, as keys. */
export function identityKeys(
  engineId: string | undefined,
  description: DeviceDescription | undefined,
  links: LinkFacts | undefined,
): IdentityKeys {
  const vendor = description?.identity.vendor?.toLowerCase().slice(0, 32) ?? "";
  const said = [description?.identity.serial ?? "", ...(description?.members ?? []).map((member) => member.serial)];
  const serials = [...new Set(said.map((serial) => serial.trim().toLowerCase().slice(0, 64)).filter((serial) => !noSerials.has(serial)))];
  const chassis = links?.chassis?.kind === "mac" ? links.chassis.value : undefined;
  const bridge = [links?.bridgeAddress, chassis].find((mac) => mac !== undefined && isBurntIn(mac));
  const ports = links?.ports.flatMap((port) => port.mac ?? []) ?? [];
  const mac = ports.filter(isBurntIn).sort()[0] ?? description?.identity.macAddress;
  return {
    ...(engineId !== undefined && isUniqueEngineId(engineId) ? { engine: engineId } : {}),
    serials: serials.map((serial) => `${vendor}/${serial}`),
    ...(bridge === undefined ? {} : { bridge }),
    ...(mac !== undefined && isBurntIn(mac) ? { mac } : {}),
  };
}

/**
 * Whether two answers come from one device. A single key proves little: engine ids are cloned with images and serial numbers are made up, so
 * an equal key counts only while nothing of its rank or below contradicts it.
 */
export function compareIdentities(left: IdentityKeys, right: IdentityKeys): "same" | "different" | "unknown" {
  const serial = compareSerials(left.serials, right.serials);
  const engine = compareKeys(left.engine, right.engine);
  const bridge = compareKeys(left.bridge, right.bridge);
  const mac = compareKeys(left.mac, right.mac);
  if (serial === "different") return "different";
  // An agent that lost its engine id is the same device; a made-up serial number on two bridges is not.
  if (serial === "same") return bridge === "different" && engine !== "same" ? "different" : "same";
  if (engine === "same") return bridge === "different" || mac === "different" ? "different" : "same";
  if (bridge === "same") return "same";
  if (mac === "same") return bridge === "different" ? "different" : "same";
  return [engine, bridge, mac].includes("different") ? "different" : "unknown";
}

/** The strongest key in words, for evidence. */
export function strongestKey(keys: IdentityKeys): string | undefined {
  if (keys.engine !== undefined) return `SNMP engine ${keys.engine}`;
  const [serial] = keys.serials;
  if (serial !== undefined) return `serial number ${serialOf(serial)}`;
  if (keys.bridge !== undefined) return `bridge address ${keys.bridge}`;
  return keys.mac === undefined ? undefined : `MAC address ${keys.mac}`;
}

/** Of a `vendor/serial` the serial number. */
export function serialOf(serial: string): string {
  return serial.slice(serial.indexOf("/") + 1);
}

/** Host name without its domain, lower case; addresses stay whole. */
export function plainName(name: string): string {
  const text = name.trim().toLowerCase();
  return /^[\d.]+$/.test(text) ? text : (text.split(".")[0] ?? "");
}

function compareKeys(left: string | undefined, right: string | undefined): "same" | "different" | "unknown" {
  if (left === undefined || right === undefined) return "unknown";
  return left === right ? "same" : "different";
}

/** Stacks share a member; the vendor may have been unknown at one of the two times. */
function compareSerials(left: readonly string[], right: readonly string[]): "same" | "different" | "unknown" {
  if (left.length === 0 || right.length === 0) return "unknown";
  const equal = left.some((one) =>
    right.some((other) => one === other || (tail(one) === tail(other) && (one[0] === "/" || other[0] === "/"))),
  );
  return equal ? "same" : "different";
}

function tail(serial: string): string {
  return serial.slice(serial.indexOf("/"));
}
