import type { RemoteInfo } from "node:dgram";
import type { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { DatagramBunches, DatagramSender } from "#ports/datagrams.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import { head, ownMessage, readHead } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { badAnswer, closed, givenUp, silence, tooMany } from "./failures.ts";
import { ipv4Text, noIpv4 } from "./ipv4.ts";
import type { EngineLimits } from "./limits.ts";
import { Nonces } from "./nonces.ts";
import { PacketBudget } from "./packet-budget.ts";
import type { Peer } from "./peer.ts";
import { PeerDirectory } from "./peer-directory.ts";
import { privateCopy } from "./request.ts";
import { type Opened, opened } from "./security.ts";
import { Sockets, sendAlone } from "./sockets.ts";
import { nextTick } from "./ticks.ts";

/** An id is nonce (15 bits, >= 128) | slot (14 bits) | attempt (2 bits): at least 2^23, so always four bytes, and never negative. */
const maxSlots = 1 << 14;
const maxReportResends = 3;

/** Sends requests, matches datagrams to them and keeps their time. The only place that knows which request is on its way. */
export class Dispatcher {
  /** Datagrams that belong to no session at all, and a bug's traces; engine-wide. */
  readonly strays = { unknownSource: 0, unreadable: 0, decoderFaults: 0 };
  readonly #clock: Clock;
  readonly #limits: EngineLimits;
  readonly #logger: Logger;
  readonly #nonces: Nonces;
  readonly #sockets: Sockets;
  readonly #budget: PacketBudget | undefined;
  readonly #slots: (Exchange | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #queue: Exchange[] = [];
  readonly #peers = new PeerDirectory();
  readonly #life = new AbortController();
  #pending = 0;
  #ticking = false;

  constructor(parts: { clock: Clock; entropy: Entropy; logger: Logger; limits: EngineLimits; bunches?: DatagramBunches | undefined }) {
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#logger = parts.logger;
    this.#nonces = new Nonces(parts.entropy);
    this.#budget = PacketBudget.of(parts.limits);
    this.#sockets = new Sockets({
      ...{ limits: parts.limits, logger: parts.logger, bunches: parts.bunches },
      handler: {
        single: (bytes, from) => this.onDatagram(bytes, from),
        bunched: (bytes, start, end, from) => this.#take(bytes, start, end, from, ""),
      },
    });
  }

  get pending(): number {
    return this.#pending;
  }
  get closed(): boolean {
    return this.#life.signal.aborted;
  }
  datagrams = (): "bunched" | "single" | "none" => this.#sockets.datagrams();

  /** Lets answers that come too late be counted at the session they came for. */
  enrol(peer: Peer): void {
    this.#peers.enrol(peer);
  }

  strike(peer: Peer): void {
    this.#peers.strike(peer);
  }

  /** A session ends: its requests fail now and its late answers are strays. */
  abandon(peer: Peer): void {
    this.strike(peer);
    peer.isClosed = true;
    for (const exchange of this.#slots) if (exchange?.peer === peer) this.#fail(exchange, this.#refusal(exchange));
  }

  /** Sends the exchange's request now or when its turn comes. It settles through its reader, never from within this call. */
  submit(exchange: Exchange, nowMs: number): void {
    if (this.closed || exchange.peer.isClosed || this.#pending >= Math.min(maxSlots, this.#limits.maxPending)) {
      queueMicrotask(() => exchange.reader.failed(this.#refusal(exchange)));
      return;
    }
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    this.#slots[slot] = exchange;
    this.#pending += 1;
    exchange.slot = slot;
    exchange.attempt = 0;
    exchange.reportResends = 0;
    ({ forgedAnswers: exchange.forgedBefore, malformedAnswers: exchange.malformedBefore } = exchange.peer.counters);
    exchange.nonce = this.#nonces.next();
    exchange.innerNonce = this.#nonces.next();
    this.#launch(exchange, nowMs);
    if (!this.#ticking) void this.#tick();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.#life.abort(new Error("closed"));
    for (const exchange of this.#slots) if (exchange !== undefined) this.#fail(exchange, this.#refusal(exchange));
    await this.#sockets.close();
  }

  #refusal({ peer }: Exchange): GatewayError {
    return this.closed || peer.isClosed ? closed() : tooMany(this.#limits.maxPending);
  }

  /** @returns whether others may still be launched: false when the socket or the site is out of room. */
  #launch(exchange: Exchange, nowMs: number): boolean {
    const socket = this.#sockets.get(exchange.peer.family, exchange.peer.socketIndex);
    if (socket === undefined) return true;
    const isFull = !exchange.isFresh && socket.fresh >= socket.maxFresh;
    const place = isFull ? "site" : (this.#budget?.take(exchange.peer, nowMs) ?? "taken");
    if (place !== "taken") {
      exchange.isQueued = true;
      exchange.expiresAtMs = exchange.deadlineMs;
      this.#queue.push(exchange);
      return place === "equipment";
    }
    if (!exchange.isFresh) {
      exchange.freshFrames = exchange.peer.learned.answerFrames;
      socket.fresh += exchange.freshFrames;
    }
    exchange.isFresh = true;
    this.#transmit(exchange, nowMs);
    return true;
  }

  #transmit(exchange: Exchange, nowMs: number): void {
    const { peer, attempt } = exchange;
    const open = this.#sockets.get(peer.family, peer.socketIndex);
    if (open === undefined) return;
    const { socket, bunch } = open;
    const place = Math.min(attempt, 3);
    const tail = (exchange.slot << 2) | place;
    // The kernel's refusal is only told to a callback, which costs; it repeats, so asking at retries and while there is trouble is enough.
    const isDoubtful = attempt > 0 || peer.sendError !== undefined || Number.isNaN(peer.learned.roundTripMs);
    // A datagram that the kernel had no room for waits with its bytes as they are: nobody may patch them.
    const isWaiting = exchange.request.isShared === true && (bunch === undefined || isDoubtful) && socket.getSendQueueCount() > 0;
    const datagram = peer.security.seal(
      isWaiting ? privateCopy(exchange.request) : exchange.request,
      (exchange.nonce << 16) | tail,
      (exchange.innerNonce << 16) | tail,
      nowMs,
    );
    exchange.sentAtMs[place] = nowMs;
    exchange.expiresAtMs = Math.min(exchange.deadlineMs, nowMs + peer.learned.timeoutMs(attempt));
    peer.counters.requests += 1;
    if (attempt > 0) peer.counters.retries += 1;
    peer.counters.bytesOut += datagram.length;
    if (isDoubtful) sendAlone(socket, datagram, peer);
    else if (bunch?.send(datagram, peer) !== true) socket.send(datagram, peer.target.port, peer.address);
  }

  /** Takes one datagram. Never throws: whatever a peer sends is counted and dropped. */
  onDatagram(bytes: Buffer, { address, port }: RemoteInfo): void {
    this.#take(bytes, 0, bytes.length, { address: noIpv4, port }, address);
  }

  /** @param text the sender's address where it is not known as a number */
  #take(bytes: Buffer, start: number, end: number, from: DatagramSender, text: string): void {
    const isReadable = readHead(bytes, start, end);
    const exchange = isReadable ? this.#slots[(head.id >>> 2) & (maxSlots - 1)] : undefined;
    const isV3 = head.version === 3;
    if (exchange === undefined || head.id >>> 16 !== (isV3 ? exchange.nonce : exchange.innerNonce)) {
      this.#peers.noteStray(this.strays, isReadable ? "unknownSource" : "unreadable", text || ipv4Text(from.address), from.port);
      return;
    }
    const { peer } = exchange;
    if (from.port !== peer.target.port || (from.address === noIpv4 ? text !== peer.address : from.address !== peer.ipv4)) {
      peer.counters.forgedAnswers += 1;
      return;
    }
    peer.counters.bytesIn += end - start;
    // Of v3 the whole message is authenticated: it is one by itself there.
    this.#answered(exchange, isV3 && start > 0 ? ownMessage(bytes, start, end) : bytes, this.#clock.monotonicMs());
  }

  #answered(exchange: Exchange, bytes: Buffer, nowMs: number): void {
    const { peer } = exchange;
    const attempt = head.id & 3;
    const requestId = (exchange.innerNonce << 16) | (exchange.slot << 2) | attempt;
    const messageBytes = head.end - head.start;
    const isRead = this.#read(exchange, bytes, requestId, nowMs);
    if (isRead === "forged") {
      peer.counters.forgedAnswers += 1;
      return;
    }
    // From the fourth attempt on the id no longer tells which one was answered.
    if (attempt < 3 || exchange.attempt === 3) peer.learned.noteRoundTrip(nowMs - (exchange.sentAtMs[attempt] ?? nowMs));
    if (isRead === "accept") {
      if (exchange.attempt > 0) peer.learned.noteLoss();
      else peer.learned.noteAnswer(messageBytes);
      this.#release(exchange);
      exchange.reader.done(nowMs);
    } else if (isRead === "malformed") {
      peer.counters.malformedAnswers += 1;
      this.#again(exchange, nowMs);
    } else this.#afterReport(exchange, isRead, nowMs);
    if (this.#queue.length > 0) this.#advanceQueue(nowMs);
  }

  #read(exchange: Exchange, bytes: Buffer, requestId: number, nowMs: number): Opened {
    try {
      const result = exchange.peer.security.open(bytes, exchange, requestId, nowMs);
      return result !== "accept" || exchange.reader.read(opened.bytes) ? result : "malformed";
    } catch (error) {
      // The border to foreign bytes. The decoders do not throw, which the fuzz test shows; should one do, no peer may end the process with it.
      this.strays.decoderFaults += 1;
      this.#logger.error({ reason: error instanceof Error ? error.message : "unknown" }, "snmp decoder failed on an answer");
      return "malformed";
    }
  }

  #afterReport(exchange: Exchange, outcome: "resend" | "stale" | "fail", nowMs: number): void {
    exchange.peer.counters.reports += 1;
    exchange.reportResends += 1;
    if (outcome === "fail") this.#fail(exchange, exchange.peer.security.failure());
    else if (exchange.reportResends > maxReportResends) this.#fail(exchange, badAnswer("the agent answers with Reports only"));
    else if (outcome === "resend") this.#transmit(exchange, nowMs);
    else if (++exchange.staleTimes > maxReportResends) this.#fail(exchange, badAnswer("the agent's engine id keeps changing"));
    else {
      this.#release(exchange);
      exchange.reader.stale();
    }
  }

  /** After an answer that could not be used: ask again at once, as often as attempts are left. */
  #again(exchange: Exchange, nowMs: number): void {
    if (exchange.attempt + 1 >= exchange.attemptsMax) this.#fail(exchange, badAnswer("the agent's answer is not valid"));
    else {
      exchange.attempt += 1;
      this.#transmit(exchange, nowMs);
    }
  }

  #release(exchange: Exchange): void {
    this.#slots[exchange.slot] = undefined;
    this.#freeSlots.push(exchange.slot);
    this.#pending -= 1;
    exchange.slot = -1;
    if (exchange.isQueued) this.#queue.splice(this.#queue.indexOf(exchange), 1);
    exchange.isQueued = false;
    this.#noLongerFresh(exchange);
  }

  #noLongerFresh(exchange: Exchange): void {
    if (!exchange.isFresh) return;
    exchange.isFresh = false;
    const socket = this.#sockets.get(exchange.peer.family, exchange.peer.socketIndex);
    if (socket !== undefined) socket.fresh = Math.max(0, socket.fresh - exchange.freshFrames);
  }

  #fail(exchange: Exchange, error: GatewayError): void {
    this.#release(exchange);
    exchange.reader.failed(error);
  }

  #advanceQueue(nowMs: number): void {
    // Each is looked at once: one whose socket is still full, or whose equipment has had its share, goes back to the end.
    for (let count = this.#queue.length; count > 0; count--) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      next.isQueued = false;
      if (!this.#launch(next, nowMs)) return;
    }
  }

  async #tick(): Promise<void> {
    this.#ticking = true;
    while (this.#pending > 0 && !this.closed) {
      const nowMs = await nextTick(this.#clock, this.#life.signal);
      for (const exchange of this.#slots) if (exchange !== undefined) this.#age(exchange, nowMs);
      this.#advanceQueue(nowMs);
    }
    this.#ticking = false;
  }

  #age(exchange: Exchange, nowMs: number): void {
    const { reader, peer } = exchange;
    if (reader.signal.aborted) {
      this.#fail(exchange, givenUp(reader.signal.reason));
      return;
    }
    if (exchange.isFresh && nowMs - (exchange.sentAtMs[Math.min(exchange.attempt, 3)] ?? 0) > this.#limits.freshMs)
      this.#noLongerFresh(exchange);
    if (nowMs < exchange.expiresAtMs) return;
    if (!exchange.isQueued) peer.counters.timeouts += 1;
    const isLast = exchange.attempt + 1 >= exchange.attemptsMax || nowMs >= exchange.deadlineMs || exchange.isQueued;
    if (isLast || reader.mayRepeat?.() === false) this.#fail(exchange, silence(exchange, this.#sockets.failure));
    else {
      exchange.attempt += 1;
      this.#launch(exchange, nowMs);
    }
  }
}
