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
/** ethernetCsmacd, fastEther, fastEtherFX, gigabitEthernet. */
const ethernetTypes = new Set(["6", "62", "69", "117"]);
/** Many agents call everything ethernet; names tell what no cable goes into. */
const virtualNames =
  /^(lo\d*|null|cpu|vlan|vl-|veth|docker|virbr|br[-_.]?\w*|bridge|bond|team|lag|trunk|trk|po\d|port-?channel|ae\d|tun|tap|ppp|pppoe|wan_?ppp|vpn|ssl|ipsec|gre|sit|ip6|ifb|imq|dummy|wlan|wifi|wl\d|ath|ra\d|rai\d|wwan|mgmt_vlan|stack|link aggregate|oob-?vlan|vmk|vmnic-virtual|vswitch|wan miniport|isatap|teredo|hyper-v|loopback|software loopback|dp\d|sp\d|fti|lsi|dsc|irb|vtep|pim|mtun|pp\d|st\d|esi|rbeb|jsrv|gr-|ip-|mt-|lt-|pfe|pfh|vme|em\d\.|npu|kernel|internal|virtual|ssid|x\d+vlan|enc\d|pflog|pfsync|ovpn|logical)/i;

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
  return [...rows].map(([index, row]) => factsOf(index, row));
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
    isPort: isPort(row, name),
  };
}

function isPort(row: Partial<Record<keyof typeof columns, string>>, name: string): boolean {
  if (!ethernetTypes.has(row.ifType ?? "")) return false;
  if (virtualNames.test(name) || virtualNames.test(row.ifDescr ?? "")) return false;
  // A unit of an interface (`ge-0/0/1.0`, `eth0.10`, `port1:2`) is no socket of its own.
  return !/^[a-z].*\d[.:]\d+$/i.test(name) || row.ifConnectorPresent === "1";
}
