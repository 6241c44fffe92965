import { lookup } from "node:dns/promises";
import { isIP, SocketAddress } from "node:net";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { EngineLimits } from "./limits.ts";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

interface Entry {
  resolved: ResolvedAddress | undefined;
  refreshAtMs: number;
  running: Promise<ResolvedAddress> | undefined;
}

/** Looks a name up; the system's resolver by default. */
export type NameLookup = (name: string) => Promise<ResolvedAddress>;

/** An address literal in the form in which datagrams show their source; undefined for a name. */
export function parseLiteral(text: string): ResolvedAddress | undefined {
  const [address, zone] = text.split("%", 2);
  const family = isIP(address ?? "");
  if (address === undefined || family === 0) return undefined;
  if (family === 4) return { address, family: 4 };
  const canonical = new SocketAddress({ address, family: "ipv6" }).address;
  return { address: zone === undefined ? canonical : `${canonical}%${zone}`, family: 6 };
}

async function systemLookup(name: string): Promise<ResolvedAddress> {
  const { address, family } = await lookup(name);
  return parseLiteral(address) ?? { address, family: family === 6 ? 6 : 4 };
}

/**
 * Host names resolved once and kept: a lookup blocks one of the process's few pool threads, and an answer can only be believed if its source
 * is known. Refreshed in the background; a failing lookup keeps the address known so far. Bounded by the number of sessions.
 */
export class Names {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #limits: EngineLimits;
  readonly #logger: Logger;
  readonly #lookup: NameLookup;

  constructor(parts: { clock: Clock; limits: EngineLimits; logger: Logger; lookup?: NameLookup }) {
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#logger = parts.logger;
    this.#lookup = parts.lookup ?? systemLookup;
  }

  /** The address known so far, and a refresh started when it is old. */
  known(name: string): ResolvedAddress | undefined {
    const entry = this.#entries.get(name);
    if (entry?.resolved !== undefined && this.#clock.monotonicMs() >= entry.refreshAtMs && entry.running === undefined) {
      this.#refresh(name, entry).catch(() => this.#logger.debug({ name }, "name lookup failed, keeping the address"));
    }
    return entry?.resolved;
  }

  /** @throws GatewayError driver.unreachable when the name has no address */
  async resolve(name: string, signal: AbortSignal): Promise<ResolvedAddress> {
    const known = this.known(name);
    if (known !== undefined) return known;
    const entry = this.#entries.get(name) ?? { resolved: undefined, refreshAtMs: 0, running: undefined };
    if (this.#entries.size >= this.#limits.maxSessions && !this.#entries.has(name))
      this.#entries.delete(this.#entries.keys().next().value ?? "");
    this.#entries.set(name, entry);
    const running = entry.running ?? this.#refresh(name, entry);
    const ended = new AbortController();
    const late = this.#clock.sleep(this.#limits.nameLookupMs, AbortSignal.any([signal, ended.signal])).then(() => {
      throw new GatewayError("driver.unreachable", { message: "the name server does not answer", fields: { name } });
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([running, late]);
    } finally {
      ended.abort();
    }
  }

  #refresh(name: string, entry: Entry): Promise<ResolvedAddress> {
    const running = this.#lookup(name).then(
      (resolved) => {
        entry.resolved = resolved;
        entry.refreshAtMs = this.#clock.monotonicMs() + this.#limits.nameRefreshMs;
        entry.running = undefined;
        return resolved;
      },
      (cause: unknown) => {
        entry.refreshAtMs = this.#clock.monotonicMs() + this.#limits.nameLookupMs;
        entry.running = undefined;
        throw new GatewayError("driver.unreachable", { message: `the name ${name} cannot be resolved`, cause, fields: { name } });
      },
    );
    running.catch(() => undefined);
    entry.running = running;
    return running;
  }
}
