import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { DatagramBunches } from "#ports/datagrams.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { SnmpEngine, SnmpSession, SnmpTarget } from "#ports/snmp.ts";
import { CommunitySecurity } from "./community-security.ts";
import { Conversation, type Readiness } from "./conversation.ts";
import { Counters } from "./counters.ts";
import { Dispatcher } from "./dispatcher.ts";
import { ipv4Of } from "./ipv4.ts";
import { Learned, type LearnedStart } from "./learned.ts";
import { defaultLimits, type EngineLimits } from "./limits.ts";
import { type NameLookup, Names, parseLiteral } from "./names.ts";
import type { Peer } from "./peer.ts";
import { EngineSession, type SessionOwner } from "./session.ts";
import { Shared } from "./shared.ts";
import { PlanParts } from "./table-plan.ts";
import { UsmKeys } from "./usm-keys.ts";
import type { Salt } from "./usm-privacy.ts";
import { UsmSecurity } from "./usm-security.ts";

export interface EngineParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly limits?: Partial<EngineLimits>;
  /** For tests; the system's resolver otherwise. */
  readonly lookup?: NameLookup;
  /** Absent: each datagram goes alone. */
  readonly bunches?: DatagramBunches;
}

const alwaysReady: Readiness = { isReady: true, becomeReady: () => Promise.resolve() };

/** Our own SNMP engine: v1, v2c and v3 over few shared sockets. */
export function createSnmpEngine(parts: EngineParts): Engine {
  return new Engine(parts);
}

export class Engine implements SnmpEngine {
  readonly #parts: EngineParts;
  readonly #limits: EngineLimits;
  readonly #dispatcher: Dispatcher;
  readonly #names: Names;
  readonly #keys: UsmKeys;
  readonly #sessions = new Set<EngineSession>();
  readonly #life = new AbortController();
  readonly #owner: SessionOwner = {
    parts: new PlanParts(),
    ended: (session, { peer }) => {
      this.#dispatcher.abandon(peer);
      this.#sessions.delete(session);
    },
  };
  readonly #communities = new Shared<CommunitySecurity>(64);
  readonly #starts = new Shared<LearnedStart>(64);
  readonly #salt: { high: number; low: number };

  constructor(parts: EngineParts) {
    const limits = { ...defaultLimits, ...parts.limits };
    this.#parts = parts;
    this.#limits = limits;
    this.#dispatcher = new Dispatcher({ ...parts, limits });
    this.#names = new Names({
      clock: parts.clock,
      logger: parts.logger,
      limits,
      ...(parts.lookup === undefined ? {} : { lookup: parts.lookup }),
    });
    this.#keys = new UsmKeys({ limits, clock: parts.clock, life: this.#life.signal });
    const start = Buffer.from(parts.entropy.bytes(8));
    this.#salt = { high: start.readUInt32BE(0), low: start.readUInt32BE(4) };
  }

  /** Datagrams that belong to no session; engine-wide. */
  get strays(): Readonly<Dispatcher["strays"]> {
    return this.#dispatcher.strays;
  }

  /** Requests on their way or waiting for their turn. */
  get pending(): number {
    return this.#dispatcher.pending;
  }

  datagrams(): "bunched" | "single" | "none" {
    return this.#dispatcher.datagrams();
  }

  open(target: SnmpTarget): SnmpSession {
    if (this.#sessions.size >= this.#limits.maxSessions)
      throw new GatewayError("driver.limit", { fields: { maxSessions: this.#limits.maxSessions } });
    if (!(Number.isInteger(target.port) && target.port > 0 && target.port < 65_536)) {
      throw new GatewayError("driver.unsupported", { message: "not a UDP port", fields: { port: target.port } });
    }
    const { credential } = target;
    // Only v3 has anything to tell of one agent; a logger for each of the others would be as large as what is known of it.
    const logger = () => this.#parts.logger.child({ address: target.address, port: target.port });
    const usm =
      credential.version === "3"
        ? new UsmSecurity({ credential, keys: this.#keys, limits: this.#limits, logger: logger(), nextSalt: () => this.#nextSalt() })
        : undefined;
    const security =
      usm ?? this.#community(credential.version === "1" ? "1" : "2c", credential.version === "3" ? "" : credential.community);
    const literal = parseLiteral(target.address);
    const peer: Peer = {
      target,
      counters: new Counters(),
      learned: new Learned(this.#learnedStart(target.timeoutMs, credential.version !== "1")),
      security,
      address: literal?.address ?? "",
      ipv4: ipv4Of(literal?.address ?? ""),
      family: literal?.family ?? 4,
      isLiteral: literal !== undefined,
      socketIndex: Math.min(this.#limits.maxSockets - 1, Math.floor(this.#sessions.size / this.#limits.sessionsPerSocket)),
      fullAtMs: 0,
      isClosed: false,
      sendError: undefined,
    };
    if (literal !== undefined) this.#dispatcher.enrol(peer);
    const conversation = new Conversation({
      peer,
      dispatcher: this.#dispatcher,
      clock: this.#parts.clock,
      names: this.#names,
      readiness: usm ?? alwaysReady,
      life: this.#life.signal,
    });
    const session = new EngineSession(conversation, this.#owner);
    this.#sessions.add(session);
    return session;
  }

  /** One for all who ask in the same version with the same community: nothing of it is a session's own. */
  #community(version: "1" | "2c", community: string): CommunitySecurity {
    return this.#communities.get(`${version} ${community}`, () => new CommunitySecurity(version, community));
  }

  /** One for all that begin alike. */
  #learnedStart(timeoutMs: number, bulk: boolean): LearnedStart {
    const { targetMessageBytes, largestMessageBytes, maxWindow } = this.#limits;
    return this.#starts.get(`${timeoutMs} ${bulk}`, () => ({ timeoutMs, bulk, targetMessageBytes, largestMessageBytes, maxWindow }));
  }

  /** Unique per message sent by this process: a repeated salt under one key would reveal plaintext (RFC 3826 3.1.2.1). */
  #nextSalt(): Salt {
    const salt = this.#salt;
    salt.low = (salt.low + 1) >>> 0;
    if (salt.low === 0) salt.high = (salt.high + 1) >>> 0;
    return salt;
  }

  async close(): Promise<void> {
    this.#life.abort(new Error("closed"));
    for (const session of this.#sessions) session.close();
    await this.#dispatcher.close();
  }

  /** For tests that bring datagrams of their own: the receive path without a socket. */
  get receive(): Dispatcher["onDatagram"] {
    return (bytes, from) => this.#dispatcher.onDatagram(bytes, from);
  }
}
