import { GatewayError, isGatewayError } from "#model/errors.ts";
import { parseIpv4 } from "#model/ipv4.ts";
import type { Clock } from "#ports/clock.ts";
import type { ConnectedNetwork, HostHint } from "#ports/discovery.ts";
import { encodePtrQuestions } from "./dns-message.ts";
import { mdnsGroup, mdnsPort, readMdns } from "./mdns.ts";
import { encodeSearch, readSsdp, ssdpGroup, ssdpPort } from "./ssdp.ts";
import { openUdp, sendUdp, type UdpEnd } from "./udp.ts";

/** Where the two protocols are spoken; tests put both on loopback. */
export interface MulticastPlaces {
  readonly mdns: { readonly group: string; readonly port: number };
  readonly ssdp: { readonly group: string; readonly port: number };
  /** Bind to this address instead of all. */
  readonly host?: string;
}

export const standardPlaces: MulticastPlaces = {
  mdns: { group: mdnsGroup, port: mdnsPort },
  ssdp: { group: ssdpGroup, port: ssdpPort },
};

/** Announcements faster than this are not looked at: a storm must not cost more than this. */
const maxDatagramsPerSecond = 200;
const mdnsAnswerMs = 1_500;
const ssdpGraceMs = 1_000;

/** mDNS and SSDP on the LANs of this machine. */
export class Multicast {
  readonly #clock: Clock;
  readonly #places: MulticastPlaces;
  readonly #networks: () => readonly ConnectedNetwork[];
  #windowStartMs = 0;
  #inWindow = 0;

  constructor(clock: Clock, places: MulticastPlaces, networks: () => readonly ConnectedNetwork[]) {
    this.#clock = clock;
    this.#places = places;
    this.#networks = networks;
  }

  /** @throws GatewayError driver.unsupported when neither port can be had */
  async listen(take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    const { mdns, ssdp } = this.#places;
    const ends: UdpEnd[] = [];
    try {
      const asked = [
        { place: mdns, read: readMdns },
        { place: ssdp, read: readSsdp },
      ];
      for (const { place, read } of asked) {
        const end = await this.#tryOpen(place, (bytes, address) => this.#offer(read, bytes, address, take));
        if (end !== undefined) ends.push(end);
      }
      if (ends.length === 0) throw new GatewayError("driver.unsupported", { message: "neither mDNS nor SSDP can be listened to" });
      for (;;) await this.#clock.sleep(3_600_000, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const end of ends) await end.close();
    }
  }

  /** Out of a port of its own, so that answers come to it alone (RFC 6762 6.7) and not to everybody once more. */
  askMdns(interfaceAddress: string, services: readonly string[], take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    const question = encodePtrQuestions(services.map((service) => `${service}.local`));
    const offer = (bytes: Uint8Array, address: string) => this.#offer(readMdns, bytes, address, take);
    return this.#ask({ place: this.#places.mdns, interfaceAddress, question, offer, waitMs: mdnsAnswerMs, hops: 255 }, signal);
  }

  /** @param mxS answers are spread over so many seconds by those who answer */
  searchSsdp(interfaceAddress: string, mxS: number, take: (hint: HostHint) => void, signal: AbortSignal): Promise<void> {
    const offer = (bytes: Uint8Array, address: string) => this.#offer(readSsdp, bytes, address, take);
    const waitMs = mxS * 1_000 + ssdpGraceMs;
    return this.#ask({ place: this.#places.ssdp, interfaceAddress, question: encodeSearch(mxS), offer, waitMs, hops: 2 }, signal);
  }

  async #ask(one: Question, signal: AbortSignal): Promise<void> {
    const end = await openUdp({ port: 0, shared: false, ...this.#host() }, one.offer);
    try {
      if (isMulticast(one.place.group)) outOf(end, one.interfaceAddress, one.hops);
      await sendUdp(end, one.question, one.place.group, one.place.port);
      await this.#clock.sleep(one.waitMs, signal);
    } finally {
      await end.close();
    }
  }

  #offer(
    read: (bytes: Uint8Array, address: string) => HostHint | undefined,
    bytes: Uint8Array,
    address: string,
    take: (hint: HostHint) => void,
  ): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowStartMs >= 1_000) [this.#windowStartMs, this.#inWindow] = [nowMs, 0];
    this.#inWindow += 1;
    if (this.#inWindow > maxDatagramsPerSecond) return;
    const hint = read(bytes, address);
    if (hint !== undefined) take(hint);
  }

  #host(): { readonly host?: string } {
    return this.#places.host === undefined ? {} : { host: this.#places.host };
  }

  async #tryOpen(
    { group, port }: { readonly group: string; readonly port: number },
    take: (bytes: Uint8Array, address: string) => void,
  ): Promise<UdpEnd | undefined> {
    try {
      const end = await openUdp({ port, shared: true, ...this.#host() }, take);
      for (const { address, kind } of this.#networks()) if (kind === "lan") join(end, group, address);
      return end;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
  }
}

interface Question {
  readonly place: { readonly group: string; readonly port: number };
  readonly interfaceAddress: string;
  readonly question: Uint8Array;
  readonly offer: (bytes: Uint8Array, address: string) => void;
  readonly waitMs: number;
  readonly hops: number;
}

/** @throws GatewayError driver.unsupported when the interface is gone */
function outOf({ socket }: UdpEnd, interfaceAddress: string, hops: number): void {
  try {
    socket.socket.setMulticastInterface(interfaceAddress);
    socket.socket.setMulticastTTL(hops);
  } catch (cause) {
    throw new GatewayError("driver.unsupported", { message: "the interface is gone", cause, fields: { interfaceAddress } });
  }
}

function isMulticast(group: string): boolean {
  return (parseIpv4(group) ?? 0) >>> 28 === 14;
}

/** An interface that went away between the listing and the joining is no reason to hear nothing. */
function join({ socket }: UdpEnd, group: string, address: string): void {
  if (!isMulticast(group)) return;
  try {
    socket.socket.addMembership(group, address);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}
