/** One network interface of this machine. Container bridges and loopback are left out. */
export interface HostInterface {
  readonly name: string;
  /** Administratively up. */
  readonly up: boolean;
  /** A link is there (`/sys/class/net/NAME/carrier`); undefined = not known (interface down). */
  readonly carrier: boolean | undefined;
  readonly addresses: readonly string[];
}

/** How this machine stands in its network at one moment; read from the kernel, no packet is sent. */
export interface HostNetworkReading {
  readonly interfaces: readonly HostInterface[];
  /** Best first; absent = no default route. */
  readonly defaultRoute?: { readonly gateway: string; readonly interfaceName: string };
  /** State of the default gateway in the neighbour table: `failed` = it does not answer ARP. */
  readonly gatewayNeighbour: "reachable" | "stale" | "failed" | "unknown";
  /** Name servers of this machine. */
  readonly resolvers: readonly string[];
}

/** The gateway's own network, for the verdict. */
export interface HostNetwork {
  /** Never throws for what is missing: what cannot be read is `unknown` or absent. */
  read(signal: AbortSignal): Promise<HostNetworkReading>;
}
