import type { Peer } from "./peer.ts";

/** Who may be meant by a datagram that answers no request: sessions by address and port. As many as there are sessions. */
export class PeerDirectory {
  readonly #peers = new Map<string, readonly Peer[]>();

  enrol(peer: Peer): void {
    const key = keyOf(peer.address, peer.target.port);
    this.#peers.set(key, [...(this.#peers.get(key) ?? []), peer]);
  }

  strike(peer: Peer): void {
    const key = keyOf(peer.address, peer.target.port);
    const left = (this.#peers.get(key) ?? []).filter((other) => other !== peer);
    if (left.length === 0) this.#peers.delete(key);
    else this.#peers.set(key, left);
  }

  /** The session that has been there longest. */
  first(address: string, port: number): Peer | undefined {
    return this.#peers.get(keyOf(address, port))?.[0];
  }
}

function keyOf(address: string, port: number): string {
  return `${address}|${port}`;
}
