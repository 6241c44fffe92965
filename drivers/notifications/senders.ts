import { lookup } from "node:dns/promises";
import { isIP, SocketAddress } from "node:net";
import type { Equipment, EquipmentId } from "#model/equipment.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { SourceLookup } from "./datagram-port.ts";

/** All addresses of a host name; the system's resolver by default. */
export type AddressesOf = (name: string) => Promise<readonly string[]>;

/** Names are asked for again this often, and what a change of the equipment brought is noticed after this long. */
const namesEveryMs = 60_000;
/** The list of equipment is read again at most this often: datagrams come faster. */
const bookEveryMs = 1_000;
/** Further addresses of one name are left out. */
const maxAddressesPerName = 8;

async function systemAddresses(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/**
 * Whose an address is: by address and port where several share an address (a simulated site), else by address alone. Equipment that is
 * configured by host name is known by all addresses of that name; they are asked for each minute, one name at a time, and an address is kept
 * while its name cannot be looked up.
 */
export class Senders implements Unit {
  readonly name = "sender-names";
  readonly #equipment: () => readonly Equipment[];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #addressesOf: AddressesOf;
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #failing = new Set<string>();
  #byPort = new Map<string, EquipmentId>();
  /** undefined = several equipment share the address. */
  #byAddress = new Map<string, EquipmentId | undefined>();
  #madeAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: { equipment: () => readonly Equipment[]; clock: Clock; logger: Logger; addressesOf?: AddressesOf }) {
    this.#equipment = parts.equipment;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#addressesOf = parts.addressesOf ?? systemAddresses;
  }

  readonly lookup: SourceLookup = (address, port) => {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#madeAtMs >= bookEveryMs) this.#makeBook(nowMs);
    return this.#byPort.get(`${address} ${port}`) ?? this.#byAddress.get(address);
  };

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#askNames(signal);
      await this.#clock.sleep(namesEveryMs, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason;
      });
    }
  }

  async #askNames(signal: AbortSignal): Promise<void> {
    const names = new Set(this.#equipment().flatMap(({ address }) => (literalOf(address) === undefined ? [address] : [])));
    for (const known of this.#addresses.keys()) if (!names.has(known)) this.#addresses.delete(known);
    for (const known of this.#failing) if (!names.has(known)) this.#failing.delete(known);
    for (const name of names) {
      if (signal.aborted) return;
      await this.#ask(name);
    }
    this.#madeAtMs = Number.NEGATIVE_INFINITY;
  }

  async #ask(name: string): Promise<void> {
    try {
      const found = await this.#addressesOf(name);
      this.#addresses.set(name, found.flatMap((address) => literalOf(address) ?? []).slice(0, maxAddressesPerName));
      this.#failing.delete(name);
    } catch (error) {
      // The resolver's errors are foreign; whatever it is, the equipment goes on under the address known so far.
      if (this.#failing.has(name)) return;
      this.#failing.add(name);
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.warn(
        { name, reason },
        "the name of equipment cannot be looked up; its traps and syslog may come as of an unknown source",
      );
    }
  }

  #makeBook(nowMs: number): void {
    this.#madeAtMs = nowMs;
    this.#byPort = new Map();
    this.#byAddress = new Map();
    for (const { id, address, port } of this.#equipment()) {
      const literal = literalOf(address);
      for (const own of literal === undefined ? (this.#addresses.get(address) ?? []) : [literal]) {
        this.#byPort.set(`${own} ${port}`, id);
        this.#byAddress.set(own, this.#byAddress.has(own) ? undefined : id);
      }
    }
  }
}

/** An address as datagrams show their source (no zone, IPv6 compressed); undefined for a host name. */
function literalOf(text: string): string | undefined {
  const plain = text.split("%")[0] ?? text;
  const family = isIP(plain);
  if (family === 0) return undefined;
  return family === 4 ? plain : new SocketAddress({ address: plain, family: "ipv6" }).address;
}
