/**
 * Against DNS rebinding and foreign pages: which Host and Origin headers are ours. A name that resolves to this gateway does not make a page
 * our page.
 */
export class OwnHost {
  readonly #names: ReadonlySet<string>;

  /** @param allowed further host names people use for this gateway, without port */
  constructor(listenHost: string, allowed: readonly string[]) {
    this.#names = new Set(["127.0.0.1", "localhost", "[::1]", bracketed(listenHost), ...allowed].map((name) => name.toLowerCase()));
  }

  isOwn(host: string | undefined): boolean {
    const name = withoutPort(host);
    // A literal address cannot be rebound: whoever typed it means this machine.
    return this.#names.has(name) || /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || /^\[[0-9a-f:]+\]$/.test(name);
  }

  /** A browser names the page that asks; absent = not a page of somebody else's. */
  isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined) return true;
    return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
  }
}

function withoutPort(host: string | undefined): string {
  return (host ?? "").toLowerCase().replace(/:\d+$/, "");
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
