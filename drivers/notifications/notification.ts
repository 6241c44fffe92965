import type { Varbind } from "#ports/snmp.ts";
import { BerReader, malformed, tag } from "./ber.ts";

/** A trap or inform after RFC 3584's mapping: alike for all three versions. */
export interface Notification {
  readonly version: "1" | "2c" | "3";
  /** An inform wants an answer. */
  readonly confirmed: boolean;
  readonly requestId: number;
  /** snmpTrapOID.0 */
  readonly trapOid: string;
  /** sysUpTime.0 of the sender, hundredths of a second. */
  readonly upTimeTicks: number | undefined;
  /** The agent's own address where the message names one: v1 agent-addr, snmpTrapAddress.0. */
  readonly agentAddress: string | undefined;
  readonly enterprise: string | undefined;
  /** Without sysUpTime.0 and snmpTrapOID.0. */
  readonly varbinds: readonly Varbind[];
}

export const pdu = { getRequest: 0xa0, response: 0xa2, trapV1: 0xa4, inform: 0xa6, trapV2: 0xa7, report: 0xa8 } as const;

const sysUpTime = "1.3.6.1.2.1.1.3.0";
const snmpTrapOid = "1.3.6.1.6.3.1.1.4.1.0";
const snmpTrapEnterprise = "1.3.6.1.6.3.1.1.4.3.0";
const snmpTrapAddress = "1.3.6.1.6.3.18.1.3.0";
/** Carries a community: a secret, left out. */
const snmpTrapCommunity = "1.3.6.1.6.3.18.1.4.0";
const genericTraps = "1.3.6.1.6.3.1.1.5";
const enterpriseSpecific = 6;

/** A community message (v1, v2c) up to its PDU. @throws GatewayError driver.bad-answer */
export interface CommunityMessage {
  readonly version: "1" | "2c";
  readonly community: string;
  readonly notification: Notification;
  /** Offset of the PDU's tag, to turn an inform into its response in place. */
  readonly pduOffset: number;
}

export function decodeCommunityMessage(message: BerReader, version: "1" | "2c"): CommunityMessage {
  const community = Buffer.from(message.octets("community")).toString("latin1");
  const pduOffset = message.offset;
  const type = message.peek();
  if (version === "1" && type !== pdu.trapV1) throw malformed("no v1 trap");
  return { version, community, notification: decodePdu(message, version), pduOffset };
}

/** Trap, SNMPv2-Trap or Inform. @throws GatewayError driver.bad-answer */
export function decodePdu(reader: BerReader, version: Notification["version"]): Notification {
  const type = reader.peek();
  if (type === pdu.trapV1 && version === "1") return fromV1(reader.enter(type, "trap"));
  if (type !== pdu.trapV2 && type !== pdu.inform) throw malformed("no trap and no inform");
  const body = reader.enter(type, "notification");
  const requestId = body.integer("request id");
  body.integer("error status");
  body.integer("error index");
  return fromV2(body.varbinds(), { version, confirmed: type === pdu.inform, requestId });
}

/** RFC 3584 3.1 */
function fromV1(body: BerReader): Notification {
  const enterprise = body.oid("enterprise");
  const agent = body.octets("agent address", tag.ipAddress);
  const generic = body.integer("generic trap");
  const specific = body.integer("specific trap");
  const upTimeTicks = body.integer("time stamp", tag.timeticks) >>> 0;
  if (generic < 0 || generic > enterpriseSpecific) throw malformed("generic trap out of range");
  const agentAddress = agent.length === 4 && agent.some((octet) => octet !== 0) ? agent.join(".") : undefined;
  return {
    version: "1",
    confirmed: false,
    requestId: 0,
    trapOid: generic === enterpriseSpecific ? `${enterprise}.0.${specific >>> 0}` : `${genericTraps}.${generic + 1}`,
    upTimeTicks,
    agentAddress,
    enterprise,
    varbinds: body.varbinds().filter(({ oid }) => oid !== snmpTrapCommunity),
  };
}

function fromV2(all: readonly Varbind[], rest: Pick<Notification, "version" | "confirmed" | "requestId">): Notification {
  const trapOid = all.find(({ oid }) => oid === snmpTrapOid)?.value;
  if (typeof trapOid !== "string") throw malformed("snmpTrapOID.0 is missing");
  const upTime = all.find(({ oid, type }) => oid === sysUpTime && type === "timeticks")?.value;
  const address = all.find(({ oid, type }) => oid === snmpTrapAddress && type === "ip-address")?.value;
  const enterprise = all.find(({ oid }) => oid === snmpTrapEnterprise)?.value;
  const own = new Set([sysUpTime, snmpTrapOid, snmpTrapEnterprise, snmpTrapAddress, snmpTrapCommunity]);
  return {
    ...rest,
    trapOid,
    upTimeTicks: typeof upTime === "number" ? upTime : undefined,
    agentAddress: typeof address === "string" ? address : undefined,
    enterprise: typeof enterprise === "string" ? enterprise : undefined,
    varbinds: all.filter(({ oid }) => !own.has(oid)),
  };
}

/** Opens a message and reads its version. @throws GatewayError driver.bad-answer */
export function openMessage(datagram: Uint8Array): { readonly version: "1" | "2c" | "3"; readonly body: BerReader } {
  const body = new BerReader(datagram).enter(tag.sequence, "message");
  const version = body.integer("version");
  if (version === 0) return { version: "1", body };
  if (version === 1) return { version: "2c", body };
  if (version === 3) return { version: "3", body };
  throw malformed("unknown version");
}

/** RFC 3416 4.2.7: the response to an inform repeats it with error status 0; only the PDU's tag differs. */
export function respondInPlace(datagram: Uint8Array, pduOffset: number): Buffer {
  const response = Buffer.from(datagram);
  response[pduOffset] = pdu.response;
  return response;
}
