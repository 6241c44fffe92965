interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
}

const maxCookies = 50;
const maxCookieCharacters = 4_096;

/**
 * Cookies of one run (RFC 6265, as far as one run needs it: they live as long as the run; a past expiry removes them). Bounded: further or
 * longer ones are left out. Without a list of public suffixes a cookie goes to the host that set it and the domain it names above it.
 */
export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();

  store(headers: readonly string[], url: URL, nowMs: number): void {
    for (const header of headers.slice(0, 2 * maxCookies)) this.#storeOne(header, url, nowMs);
  }

  /** Value of the Cookie field; undefined when none fits. */
  header(url: URL): string | undefined {
    const fitting = [...this.#cookies.values()].filter((cookie) => fits(cookie, url));
    if (fitting.length === 0) return undefined;
    return fitting
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`)
      .join("; ")
      .slice(0, 16_384);
  }

  /** Values that must not be shown. */
  values(): readonly string[] {
    return [...this.#cookies.values()].map(({ value }) => value);
  }

  #storeOne(header: string, url: URL, nowMs: number): void {
    if (header.length > maxCookieCharacters) return;
    const [pair = "", ...attributes] = header.split(";").map((part) => part.trim());
    const equals = pair.indexOf("=");
    if (equals < 1 || !/^[\x21-\x7e]*$/.test(pair.slice(0, equals))) return;
    const given = new Map(attributes.slice(0, 16).map((attribute) => splitAttribute(attribute)));
    const domain = (given.get("domain") ?? "").replace(/^\./, "").toLowerCase();
    const host = url.hostname.toLowerCase();
    if (domain !== "" && domain !== host && !(host.endsWith(`.${domain}`) && domain.includes("."))) return;
    const path = given.get("path")?.startsWith("/") === true ? (given.get("path") ?? "/") : defaultPath(url.pathname);
    const cookie: Cookie = {
      name: pair.slice(0, equals),
      value: pair.slice(equals + 1),
      domain: domain === "" ? host : domain,
      hostOnly: domain === "",
      path,
      secure: given.has("secure"),
    };
    const key = `${cookie.domain}\n${cookie.path}\n${cookie.name}`;
    if (hasExpired(given, nowMs)) this.#cookies.delete(key);
    else if (this.#cookies.has(key) || this.#cookies.size < maxCookies) this.#cookies.set(key, cookie);
  }
}

function splitAttribute(attribute: string): readonly [string, string] {
  const equals = attribute.indexOf("=");
  if (equals < 0) return [attribute.toLowerCase(), ""];
  return [attribute.slice(0, equals).trim().toLowerCase(), attribute.slice(equals + 1).trim()];
}

function hasExpired(given: ReadonlyMap<string, string>, nowMs: number): boolean {
  const maxAge = given.get("max-age");
  if (maxAge !== undefined) return Number(maxAge) <= 0;
  const expires = Date.parse(given.get("expires") ?? "");
  return expires <= nowMs;
}

function defaultPath(pathname: string): string {
  const last = pathname.lastIndexOf("/");
  return last <= 0 ? "/" : pathname.slice(0, last);
}

function fits(cookie: Cookie, url: URL): boolean {
  const host = url.hostname.toLowerCase();
  if (cookie.secure && url.protocol !== "https:") return false;
  if (host !== cookie.domain && (cookie.hostOnly || !host.endsWith(`.${cookie.domain}`))) return false;
  return url.pathname === cookie.path || url.pathname.startsWith(cookie.path.endsWith("/") ? cookie.path : `${cookie.path}/`);
}
