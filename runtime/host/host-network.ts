import { readdir, readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { HostInterface, HostNetwork, HostNetworkReading } from "#ports/host-network.ts";

/** Not the site's network: loopback, containers, tunnels. */
const notOurs =
  /^(lo|docker|br-[0-9a-f]{12}|veth|virbr|lxc|lxdbr|cni|flannel|cali|podman|vnet|nerdctl|tun|tap|wg|ipsec|vti|gre|sit|tailscale|zt|dummy|ifb|bonding_masters)/;
const maxInterfaces = 64;

/** Reads the kernel's own tables (Linux); no packet is sent and no program is run. */
export class KernelNetwork implements HostNetwork {
  readonly #root: string;

  /** @param root "/" but for tests */
  constructor(root = "/") {
    this.#root = root;
  }

  async read(signal: AbortSignal): Promise<HostNetworkReading> {
    const [names, routes, arp, resolv] = await Promise.all([
      readdir(join(this.#root, "sys/class/net")).catch(() => [] as string[]),
      this.#text("proc/net/route", signal),
      this.#text("proc/net/arp", signal),
      this.#text("etc/resolv.conf", signal),
    ]);
    const wanted = names.filter((name) => !notOurs.test(name)).slice(0, maxInterfaces);
    const interfaces = await Promise.all(wanted.map((name) => this.#interface(name, signal)));
    const defaultRoute = defaultRouteOf(routes);
    return {
      interfaces,
      ...(defaultRoute === undefined ? {} : { defaultRoute }),
      gatewayNeighbour: defaultRoute === undefined ? "unknown" : neighbourState(arp, defaultRoute.gateway),
      resolvers: [...resolv.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "").slice(0, 8),
    };
  }

  async #interface(name: string, signal: AbortSignal): Promise<HostInterface> {
    const carrier = (await this.#text(`sys/class/net/${name}/carrier`, signal)).trim();
    const flags = Number.parseInt((await this.#text(`sys/class/net/${name}/flags`, signal)).trim(), 16);
    const addresses = (networkInterfaces()[name] ?? []).map(({ address }) => address);
    return { name, up: (flags & 1) === 1, carrier: carrier === "" ? undefined : carrier === "1", addresses };
  }

  /** "" for what is not there: the carrier of an interface that is down cannot be read. */
  async #text(path: string, signal: AbortSignal): Promise<string> {
    const text = await readFile(join(this.#root, path), { encoding: "utf8", signal }).catch(() => "");
    return text.slice(0, 262_144);
  }
}

/** The default route with the least metric; addresses stand there as little-endian hexadecimal. */
function defaultRouteOf(routes: string): HostNetworkReading["defaultRoute"] {
  const found = routes
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, destination, , flags, , , , mask]) =>
        destination === "00000000" && mask === "00000000" && (Number.parseInt(flags ?? "0", 16) & 1) === 1,
    )
    .sort((a, b) => Number(a[6]) - Number(b[6]))[0];
  const [interfaceName, , gateway] = found ?? [];
  if (interfaceName === undefined || gateway === undefined || gateway === "00000000") return undefined;
  const octets = [6, 4, 2, 0].map((start) => Number.parseInt(gateway.slice(start, start + 2), 16));
  return { gateway: octets.join("."), interfaceName };
}

/** Flag 2: complete. An entry that is not complete was asked for and did not answer. */
function neighbourState(arp: string, address: string): HostNetworkReading["gatewayNeighbour"] {
  const line = arp.split("\n").find((one) => one.startsWith(`${address} `));
  if (line === undefined) return "unknown";
  const flags = Number.parseInt(line.split(/\s+/)[2] ?? "0", 16);
  // The table does not say how old a complete entry is.
  return (flags & 2) === 2 ? "stale" : "failed";
}
