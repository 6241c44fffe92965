import { networkInterfaces } from "node:os";
import type { ConnectedNetwork } from "#ports/discovery.ts";

/** By the names that tunnels, containers and virtual bridges have on Linux. Nobody's LAN hides behind them. */
const tunnel = /^(tun|tap|wg|ppp|ipsec|vti|gre|sit|tailscale|zt|utun|nordlynx)/;
const container = /^(docker|br-[0-9a-f]{12}|veth|virbr|lxc|lxdbr|cni|flannel|cali|podman|vnet|nerdctl)/;

/** IPv4 networks this machine is in. */
export function connectedNetworks(interfaces = networkInterfaces()): readonly ConnectedNetwork[] {
  return Object.entries(interfaces).flatMap(([interfaceName, entries = []]) =>
    entries.flatMap(({ family, address, cidr, internal }) => {
      const prefixLength = Number(cidr?.split("/")[1] ?? "");
      if (family !== "IPv4" || !Number.isInteger(prefixLength)) return [];
      return [{ interfaceName, address, prefixLength, kind: kindOf(interfaceName, internal) }];
    }),
  );
}

function kindOf(interfaceName: string, internal: boolean): ConnectedNetwork["kind"] {
  if (internal) return "loopback";
  if (tunnel.test(interfaceName)) return "tunnel";
  return container.test(interfaceName) ? "container" : "lan";
}
