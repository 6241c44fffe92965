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

  /** Counts a datagram that answers nothing: at the session that has been there longest, else in `strays`. */
  noteStray(
    strays: Record<"unknownSource" | "unreadable", number>,
    kind: "unknownSource" | "unreadable",
    address: string,
    port: number,
  ): void {
    const peer = this.#peers.get(keyOf(address, port))?.[0];
    if (peer === undefined) strays[kind] += 1;
    else if (kind === "unreadable") peer.counters.malformedAnswers += 1;
    else peer.counters.lateAnswers += 1;
  }
}

function keyOf(address: string, port: number): string {
  return `${address}|${port}`;
}
