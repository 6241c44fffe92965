import type { SnmpTarget } from "#ports/snmp.ts";
import type { Counters } from "./counters.ts";
import type { Learned } from "./learned.ts";
import type { Security } from "./security.ts";

/** The other end of one session, as the dispatcher sees it. */
export interface Peer {
  readonly target: SnmpTarget;
  readonly counters: Counters;
  readonly learned: Learned;
  readonly security: Security;
  /** Canonical IP literal that requests go to and answers must come from; "" until the name was resolved. */
  address: string;
  /** The same as a number; `noIpv4` where it is none. */
  ipv4: number;
  family: 4 | 6;
  /** The target's address is an IP literal: nothing to look up. */
  readonly isLiteral: boolean;
  /** Which of the family's sockets it uses. */
  readonly socketIndex: number;
  /** When the places for its requests that are taken will be free again, see PacketBudget; monotonic milliseconds. */
  fullAtMs: number;
  /** Its session was closed: nothing is sent any more. */
  isClosed: boolean;
  /** The last send of this session failed in the kernel. */
  sendError: string | undefined;
}
