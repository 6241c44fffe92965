/** Bounds of one engine. Each has a default that suits a site of 1,000 devices. */
export interface EngineLimits {
  /** Sessions open at once; beyond it `open` throws driver.limit. */
  readonly maxSessions: number;
  /** Requests waiting for an answer or for their turn, at most 16,384; beyond it a request fails with driver.limit. */
  readonly maxPending: number;
  /**
   * Requests sent within `freshMs` and not answered yet, per socket, at most; fewer when the kernel grants a smaller receive buffer. Further ones
   * wait their turn, so that a burst of answers finds room. An unanswered request stops counting after `freshMs`, so dead equipment never holds up the rest.
   */
  readonly maxFreshPerSocket: number;
  readonly freshMs: number;
  /** Requests of one table read on their way at once, at most; begins with one and grows as long as none is lost, beyond four only for quick agents. */
  readonly maxWindow: number;
  /** A further socket of a family is opened for so many sessions more, up to `maxSockets`. */
  readonly sessionsPerSocket: number;
  readonly maxSockets: number;
  readonly receiveBufferBytes: number;
  /** Answers are asked for in this size: one Ethernet frame by default, since fragments get lost in cheap equipment. */
  readonly targetMessageBytes: number;
  /**
   * As far as the answers of one agent may grow, by doubling, as long as it answers within milliseconds and none is lost or cut. Equal to
   * `targetMessageBytes` = they stay within a frame.
   */
  readonly largestMessageBytes: number;
  /** Largest datagram we say we can take (v3 msgMaxSize, RFC 3412). */
  readonly maxMessageBytes: number;
  /** v3 passwords and (user, engine) keys kept; the oldest goes first. */
  readonly maxPasswordKeys: number;
  readonly maxLocalizedKeys: number;
  /** A host name is looked up again after this time, in the background; the old address serves meanwhile. */
  readonly nameRefreshMs: number;
  readonly nameLookupMs: number;
  /** Requests per second to everybody, and to one equipment, retries included; Infinity = no limit. What is over it waits. */
  readonly packetsPerSecond: number;
  readonly packetsPerSecondPerEquipment: number;
}

export const defaultLimits: EngineLimits = {
  maxSessions: 8192,
  maxPending: 8192,
  maxFreshPerSocket: 1024,
  freshMs: 100,
  maxWindow: 16,
  sessionsPerSocket: 512,
  maxSockets: 4,
  receiveBufferBytes: 4 * 1024 * 1024,
  targetMessageBytes: 1472,
  largestMessageBytes: 1472,
  maxMessageBytes: 65_507,
  maxPasswordKeys: 256,
  maxLocalizedKeys: 4096,
  nameRefreshMs: 300_000,
  nameLookupMs: 5_000,
  packetsPerSecond: Number.POSITIVE_INFINITY,
  packetsPerSecondPerEquipment: Number.POSITIVE_INFINITY,
};
