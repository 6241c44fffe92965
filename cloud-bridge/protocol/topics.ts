import { GatewayError } from "#model/errors.ts";
import type { UplinkLeaf } from "#ports/uplink.ts";

/** Major version of the protocol: the second level of every topic. A breaking change opens a second tree beside this one. */
export const protocolMajor = 1;
const root = `gh/${protocolMajor}`;

/** Leaves the NOC writes for one gateway. */
export type DownlinkLeaf = "ack" | "des" | "cmd" | "blob" | "edq";
export type Leaf = UplinkLeaf | DownlinkLeaf;

/** How a leaf is published. `expirySeconds` = MQTT 5 Message Expiry; undefined = none, or, for `cmd`, what is left of the command's own ttl. */
export interface LeafRule {
  readonly direction: "up" | "down";
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly expirySeconds: number | undefined;
}

const days90 = 90 * 86_400;

export const leafRules: Readonly<Record<Leaf, LeafRule>> = {
  state: { direction: "up", qos: 1, retain: true, expirySeconds: days90 },
  hello: { direction: "up", qos: 1, retain: true, expirySeconds: days90 },
  tm: { direction: "up", qos: 1, retain: false, expirySeconds: undefined },
  bf: { direction: "up", qos: 1, retain: false, expirySeconds: undefined },
  ev: { direction: "up", qos: 1, retain: false, expirySeconds: undefined },
  sla: { direction: "up", qos: 1, retain: false, expirySeconds: undefined },
  inv: { direction: "up", qos: 1, retain: false, expirySeconds: undefined },
  chk: { direction: "up", qos: 1, retain: false, expirySeconds: undefined },
  rep: { direction: "up", qos: 1, retain: true, expirySeconds: undefined },
  rsp: { direction: "up", qos: 1, retain: false, expirySeconds: 3_600 },
  blobq: { direction: "up", qos: 1, retain: false, expirySeconds: 60 },
  log: { direction: "up", qos: 0, retain: false, expirySeconds: 60 },
  eds: { direction: "up", qos: 1, retain: false, expirySeconds: 60 },
  ack: { direction: "down", qos: 0, retain: false, expirySeconds: 60 },
  des: { direction: "down", qos: 1, retain: true, expirySeconds: undefined },
  cmd: { direction: "down", qos: 1, retain: false, expirySeconds: undefined },
  blob: { direction: "down", qos: 1, retain: false, expirySeconds: 60 },
  edq: { direction: "down", qos: 1, retain: false, expirySeconds: 60 },
};

const idPattern = /^[a-z0-9-]{3,40}$/;

/** Whether `id` may stand as tenant or gateway in a topic: 3..40 of a-z, 0-9 and hyphen. No wildcard or level separator can pass. */
export function isTopicId(id: string): boolean {
  return idPattern.test(id);
}

export function isLeaf(value: string): value is Leaf {
  return Object.hasOwn(leafRules, value);
}

/** Who a topic belongs to. The gateway's id equals its MQTT client id and the common name of its certificate. */
export interface GatewayAddress {
  readonly tenant: string;
  readonly gateway: string;
}

function checkedId(id: string, field: "tenant" | "gateway"): string {
  if (!isTopicId(id)) throw new GatewayError("codec.malformed", { message: "id is not usable in a topic", fields: { field } });
  return id;
}

/** `gh/1/{tenant}/g/{gateway}/{leaf}`. @throws GatewayError codec.malformed when an id is not valid */
export function gatewayTopic(address: GatewayAddress, leaf: Leaf): string {
  return `${root}/${checkedId(address.tenant, "tenant")}/g/${checkedId(address.gateway, "gateway")}/${leaf}`;
}

/** Retained state of the NOC for all gateways of a tenant: `gh/1/{tenant}/noc/state`. */
export function nocStateTopic(tenant: string): string {
  return `${root}/${checkedId(tenant, "tenant")}/noc/state`;
}

/** Filter over one leaf of every gateway, of one tenant or of all (`+`): what the NOC's workers subscribe to. */
export function leafFilter(leaf: Leaf, tenant?: string): string {
  return `${root}/${tenant === undefined ? "+" : checkedId(tenant, "tenant")}/g/+/${leaf}`;
}

/** The same filter for a shared subscription (MQTT 5 section 4.8.2). */
export function sharedFilter(group: string, filter: string): string {
  return `$share/${checkedId(group, "tenant")}/${filter}`;
}

/** One subscription of a gateway. `retainHandling` 1 = the retained copy only when the subscription is new. */
export interface Subscription {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly retainHandling: 0 | 1 | 2;
}

/** Everything a gateway subscribes to; no two filters overlap, since some brokers deliver one copy per matching filter. */
export function gatewaySubscriptions(address: GatewayAddress): readonly Subscription[] {
  const own = (["ack", "des", "cmd", "blob", "edq"] as const).map(
    (leaf): Subscription => ({
      filter: gatewayTopic(address, leaf),
      qos: leafRules[leaf].qos,
      retainHandling: leafRules[leaf].retain ? 1 : 2,
    }),
  );
  return [...own, { filter: nocStateTopic(address.tenant), qos: 1, retainHandling: 1 }];
}

export type ParsedTopic =
  | { readonly kind: "gateway"; readonly tenant: string; readonly gateway: string; readonly leaf: Leaf }
  | { readonly kind: "noc-state"; readonly tenant: string };

/** Longest topic of the tree; anything longer is not ours. */
const maxTopicLength = root.length + 2 * 41 + 10;

/** Takes a topic apart; undefined = not of this tree (another version, a foreign id, an unknown leaf), which readers ignore. */
export function parseTopic(topic: string): ParsedTopic | undefined {
  if (topic.length > maxTopicLength || !topic.startsWith(`${root}/`)) return undefined;
  const [tenant, kind, gateway, leaf, ...rest] = topic.slice(root.length + 1).split("/");
  if (tenant === undefined || kind === undefined || gateway === undefined || rest.length > 0 || !isTopicId(tenant)) return undefined;
  if (kind === "noc") return gateway === "state" && leaf === undefined ? { kind: "noc-state", tenant } : undefined;
  if (kind !== "g" || leaf === undefined || !isTopicId(gateway) || !isLeaf(leaf)) return undefined;
  return { kind: "gateway", tenant, gateway, leaf };
}
