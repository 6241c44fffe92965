import { labelText } from "../conversions/label-text.ts";
import { enumerations } from "../metric-sets/enumerations.ts";
import type { LabelFormat } from "../metric-sets/metric-set.ts";
import { indexBelow, isBelow } from "../oid.ts";
import type { Exchange } from "../session/exchange.ts";

/** One interface as people name it. */
export interface InterfaceFacts {
  readonly ifIndex: string;
  readonly name: string;
  readonly alias: string;
  readonly type: string;
  readonly operStatus: string;
  readonly speedBitPerS: number | undefined;
  readonly macAddress: string;
  /** A socket that a cable goes into. */
  readonly isPort: boolean;
}

const ifEntry = "1.3.6.1.2.1.2.2.1";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";
const columns = {
  ifDescr: [`${ifEntry}.2`, "auto"],
  ifType: [`${ifEntry}.3`, "integer"],
  ifSpeed: [`${ifEntry}.5`, "integer"],
  ifPhysAddress: [`${ifEntry}.6`, "mac"],
  ifOperStatus: [`${ifEntry}.8`, "integer"],
  ifName: [`${ifXEntry}.1`, "auto"],
  ifHighSpeed: [`${ifXEntry}.15`, "integer"],
  ifConnectorPresent: [`${ifXEntry}.17`, "integer"],
  ifAlias: [`${ifXEntry}.18`, "auto"],
} as const satisfies Readonly<Record<string, readonly [string, LabelFormat]>>;

const maxInterfaces = 5_000;
/** ethernetCsmacd, iso88023Csmacd, ethernet3Mbit, fastEther, fastEtherFX, gigabitEthernet. */
const ethernetTypes = new Set(["6", "7", "26", "62", "69", "117"]);
/** fibreChannel, infiniband: sockets that run at speeds of their own. */
const otherPortTypes = new Set(["56", "199"]);
/** Agents that know no types say other or propVirtual of everything; an interface of these is a port then only if its name says so. */
const untoldTypes = new Set(["", "1", "53"]);
const portNames = /^(port|eth(er|ernet)?|e|lan|wan|sfp\w*|ge|gi|gigabit ?ethernet|fa|te|xe|fe|en|slot)[\s_:/-]*\d/i;
/** Many agents call everything ethernet; names tell what no cable goes into. */
const virtualNames = [
  /^(lo\d*$|loop|inloop|softwareloopback|null|dummy|cpu|stack|logical|virtual|kernel|npu|switch\d*(\.\d+)?$|aux\d|control ?plane|regist)/i,
  /^(vlan|lan\.|vl-|irb|vme|bridge|br[-_.]?\w*$|virbr|vswitch|vmk|veth|docker|bond|team|lag|trunk|trk|po\d|port-?channel|ae\d|reth|route-agg)/i,
  /^(link aggregate|oob-?vlan|mgmt_vlan|fxp[12]$|dp\d+$|sp-|fti|lsi|dsc|vtep|esi|rbeb|jsrv|pfe|pfh|soc\d|miireg|tif\d|vif\d|uif\d|dhcp\d)/i,
  /^(bme\d|cbp\d|demux|lc-|pd-|pe-|pip\d|ppd\d|ppe\d|umd\d|mif$|vcp-|rtif|ve ?\d|bvi|bdi|nvi|eobc|appgig|backplane|embedded|service-engine|voip)/i,
  /^(tun|tap|ppp|wan_?ppp|vpn|ssl|ipsec|gre|erspan|sit|ip6|ip-|ip_|ipip|mt-|mtun|lt-|pim|pp\d|st\d|gr-|l2t|naf|ovpn|wg\d|enc\d|pflog|pfsync|ifb|imq)/i,
  /^(gif\d|stf\d|carp|vxlan|nlmon|zt\w{8}|tailscale|utun|awdl|llw|ovs[-_]|qvs|lxc|lxd|fwbr|fwln|fwpr|vnet\d|cali|cni|flannel|kube|honeypot|teql)/i,
  /^(wlan|wifi|wi-fi|wireless|wl\d|ath|ra\d|rai\d|rax\d|apcli|wds|rf\d|ssid|wwan|modem|usb|lte|qmi|cellular|radio|bluetooth)/i,
  /^(wan miniport|isatap|teredo|hyper-v|microsoft (?!hyper-v network)|6to4|ras async|vmware virtual|virtualbox|cisco anyconnect|fortinet|vethernet)/i,
  /^(eth-?trunk|console|fortilink|itf\d|w\d+ \(|vmbr\d|\w+:v\d+$)/i,
  /(?:^|[ _])vlan(?:[ _-]?\d+)?$/i,
  /(lightweight filter|packet scheduler|kernel debug|wfp native|[._-]vlan[._-]?\d)/i,
];

const namedPort = /port[\s_#:/-]*\d/i;
/** What Ethernet runs at, Mbit/s. */
const ethernetMbitPerS = [10, 100, 1_000, 2_500, 5_000, 10_000, 20_000, 25_000, 40_000, 50_000, 100_000, 200_000, 400_000, 800_000];
/** Some agents count a megabit as 2^20. */
const speedTolerance = 0.08;
/** ifSpeed of everything faster than it can say. */
const fasterThanToldBitPerS = 4_294_967_295;

/** Radios are called ethernet by many an agent, but run at speeds that Ethernet does not have (72 Mbit/s). @param bitPerS 0 = not known */
function isEthernetSpeed(bitPerS: number): boolean {
  if (!(bitPerS > 0) || bitPerS === fasterThanToldBitPerS) return true;
  return ethernetMbitPerS.some((speed) => Math.abs(bitPerS / (speed * 1_000_000) - 1) <= speedTolerance);
}

/** What the device has as interfaces; empty where it has no IF-MIB. @throws GatewayError driver.* when it stops answering */
export async function readInterfaces(exchange: Exchange): Promise<readonly InterfaceFacts[]> {
  const rows = new Map<string, Partial<Record<keyof typeof columns, string>>>();
  for (const [name, [column, format]] of Object.entries(columns) as [keyof typeof columns, readonly [string, LabelFormat]][]) {
    const limits = { maxRows: maxInterfaces, maxRequests: maxInterfaces, deadlineMs: exchange.deadlineMs };
    for await (const batch of exchange.session.walk(column, limits, exchange.signal)) {
      for (const varbind of batch) {
        if (!isBelow(varbind.oid, column)) continue;
        const index = indexBelow(varbind.oid, column);
        const row = rows.get(index) ?? {};
        row[name] = labelText(format, undefined, varbind.value);
        rows.set(index, row);
      }
    }
  }
  const interfaces = [...rows].map(([index, row]) => factsOf(index, row));
  if (interfaces.some(({ isPort }) => isPort)) return withoutGroups(interfaces);
  return interfaces.map((one) => ({ ...one, isPort: isPortByName(one, rows.get(one.ifIndex) ?? {}) }));
}

function isPortByName({ type, name }: InterfaceFacts, row: Partial<Record<keyof typeof columns, string>>): boolean {
  return untoldTypes.has(type) && portNames.test(name.trim()) && !isVirtual(row, name);
}

/**
 * Agents that call their sockets ports ("LAN_PORT3") say with it which are some. What has neither that name nor a physical address (RFC 2863: of
 * zero length where there is none) is a group of them then, or a role that one of them may take. `LAN1` is a socket of small routers, but
 * a network where the sockets have names of their own.
 */
function withoutGroups(interfaces: readonly InterfaceFacts[]): readonly InterfaceFacts[] {
  const isNamedPort = ({ isPort, name }: InterfaceFacts): boolean => isPort && namedPort.test(name);
  const hasNamedPorts = interfaces.filter(isNamedPort).length >= 2;
  const hasSockets = hasNamedPorts || interfaces.filter(({ isPort, name }) => isPort && /^(ge|p|eth|igb|swp)-?\d/i.test(name)).length >= 2;
  const isGroup = (one: InterfaceFacts): boolean =>
    (hasNamedPorts && one.macAddress === "" && !isNamedPort(one)) || (hasSockets && /^lan ?\d+$/i.test(one.name));
  return interfaces.map((one) => (one.isPort && isGroup(one) ? { ...one, isPort: false } : one));
}

function factsOf(ifIndex: string, row: Partial<Record<keyof typeof columns, string>>): InterfaceFacts {
  const name = row.ifName || row.ifDescr || ifIndex;
  const high = Number(row.ifHighSpeed ?? 0) * 1_000_000;
  const speed = high > 0 ? high : Number(row.ifSpeed ?? 0);
  return {
    ifIndex,
    name,
    alias: row.ifAlias ?? "",
    type: row.ifType ?? "",
    operStatus: enumerations.ifOperStatus?.names[Number(row.ifOperStatus)] ?? "",
    speedBitPerS: speed > 0 ? speed : undefined,
    macAddress: row.ifPhysAddress ?? "",
    isPort: isPort(row, name) && (otherPortTypes.has(row.ifType ?? "") || isEthernetSpeed(speed)),
  };
}

function isPort(row: Partial<Record<keyof typeof columns, string>>, name: string): boolean {
  if (!ethernetTypes.has(row.ifType ?? "") && !otherPortTypes.has(row.ifType ?? "")) return false;
  return !isVirtual(row, name);
}

function isVirtual(row: Partial<Record<keyof typeof columns, string>>, name: string): boolean {
  const names = [name.trim(), (row.ifDescr ?? "").trim()];
  if (virtualNames.some((pattern) => names.some((text) => pattern.test(text)))) return true;
  // A unit of an interface (`ge-0/0/1.0`, `eth0.10`, `eth0:1`) is no socket of its own; a lane of a socket that is split (`xe-0/0/1:0`) is one.
  return /^[a-z][\w/:-]*\d\.\d+$/i.test(name) || /^[a-z][\w-]*\d:\d+$/i.test(name);
}
