import { createHash } from "node:crypto";
import { Agent, request } from "node:http";
import type { Duplex } from "node:stream";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import { editorFrameCodec } from "../../protocol/editor-frames.ts";
import type { NocAuthority } from "../authority/noc-authority.ts";
import { TunnelEnd } from "./tunnel-end.ts";

export interface RemoteEditorsParts {
  readonly authority: NocAuthority;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

/** One person's editor of one gateway. */
export interface RemoteSession {
  readonly tenant: string;
  readonly gateway: string;
  readonly person: string;
  /** Of the gateway's editor; worth nothing without this session. */
  readonly token: string;
  /** Version of its editor, "" = it did not say. */
  readonly version: string;
  readonly tunnel: TunnelEnd;
  readonly agent: Agent;
  /** Digest of the browser's cookie. */
  readonly key: string;
  readonly cookie: string;
  readonly untilMs: number;
  usedMs: number;
  /** Of the gateway to the broker; 0 = there is no line. */
  connection: number;
}

const maxSessions = 64;
const maxTickets = 64;
const ticketMs = 60_000;
const ttlMs = 8 * 3_600_000;
/** Nobody has it open any more; longer than a cut of the link that an open page should survive. */
const idleMs = 15 * 60_000;
const openMs = 30_000;
const tickMs = 1_000;

/** Editors of gateways, opened by a signed command, carried in frames, closed when nobody looks any more. */
export class RemoteEditors implements Unit {
  readonly name = "remote-editors";
  readonly #parts: RemoteEditorsParts;
  readonly #sessions = new Map<string, RemoteSession>();
  readonly #tickets = new Map<string, { readonly session: RemoteSession; readonly untilMs: number }>();

  constructor(parts: RemoteEditorsParts) {
    this.#parts = parts;
    parts.authority.onEditorFrame = (_site, payload) => this.#receive(payload);
  }

  /** @returns a ticket that lets one browser in, once, within a minute. @throws GatewayError noc.invalid | noc.unreachable */
  async open(site: { readonly tenant: string; readonly gateway: string }, person: string, signal: AbortSignal): Promise<string> {
    const nowMs = this.#parts.clock.monotonicMs();
    const known = [...this.#sessions.values()].find(
      (one) => one.tenant === site.tenant && one.gateway === site.gateway && one.person === person && one.untilMs - nowMs > ttlMs / 2,
    );
    const isAlive =
      known !== undefined &&
      (await this.#version(known).then(
        () => true,
        () => false,
      ));
    if (known !== undefined && !isAlive) this.#close(known);
    const session = known !== undefined && isAlive ? known : await this.#begin(site, person, signal);
    for (const [ticket, { untilMs }] of this.#tickets)
      if (untilMs < nowMs || this.#tickets.size >= maxTickets) this.#tickets.delete(ticket);
    const ticket = this.#secret();
    this.#tickets.set(digest(ticket), { session, untilMs: nowMs + ticketMs });
    return ticket;
  }

  /** The session a ticket is for; the ticket is used up. */
  admit(ticket: string): RemoteSession | undefined {
    const found = this.#tickets.get(digest(ticket));
    this.#tickets.delete(digest(ticket));
    return found !== undefined && found.untilMs > this.#parts.clock.monotonicMs() ? found.session : undefined;
  }

  /** The session a browser's cookie belongs to. */
  of(cookie: string): RemoteSession | undefined {
    const session = [...this.#sessions.values()].find(({ key }) => key === digest(cookie));
    if (session !== undefined) session.usedMs = this.#parts.clock.monotonicMs();
    return session;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    try {
      while (!signal.aborted) {
        await clock.sleep(tickMs, signal);
        const nowMs = clock.monotonicMs();
        for (const session of [...this.#sessions.values()]) {
          if (session.tunnel.connections > 0) session.usedMs = nowMs;
          if (nowMs > session.untilMs || nowMs - session.usedMs > idleMs) {
            this.#close(session);
            continue;
          }
          this.#follow(session);
        }
      }
    } finally {
      for (const { tunnel, agent } of this.#sessions.values()) {
        tunnel.close();
        agent.destroy();
      }
      this.#sessions.clear();
    }
  }

  /** A browser hears at once that the line is cut, and when it comes again finds it whole. */
  #follow(session: RemoteSession): void {
    const { authority } = this.#parts;
    const site = authority.sites.get(session.tenant, session.gateway);
    const connection = authority.connected && site?.online === true ? site.connection : 0;
    if (connection !== session.connection) session.tunnel.lineLost();
    session.connection = connection;
    if (connection !== 0) session.tunnel.recover();
  }

  async #begin(site: { readonly tenant: string; readonly gateway: string }, person: string, signal: AbortSignal): Promise<RemoteSession> {
    const { authority, clock, logger } = this.#parts;
    if (this.#sessions.size >= maxSessions) throw new GatewayError("noc.invalid", { message: `${maxSessions} remote editors are open` });
    const id = Buffer.from(this.#parts.entropy.bytes(12)).toString("hex");
    const args = { session: id, person: person.slice(0, 120), scope: "flows.write", ttlMs };
    const { token } = await this.#ordered(site, "editor.open", args, person, signal);
    const tunnel = new TunnelEnd(id, (frame) => authority.sendEditorFrame(site, frame));
    const agent = new TunnelAgent(tunnel);
    const cookie = this.#secret();
    const nowMs = clock.monotonicMs();
    const connection = authority.site(site.tenant, site.gateway).connection;
    const session = {
      ...site,
      person,
      token,
      tunnel,
      agent,
      cookie,
      key: digest(cookie),
      untilMs: nowMs + ttlMs,
      usedMs: nowMs,
      connection,
    };
    this.#sessions.set(id, { ...session, version: "" });
    const whole = { ...session, version: await this.#version({ ...session, version: "" }) };
    this.#sessions.set(id, whole);
    logger.info({ tenant: site.tenant, gateway: site.gateway, person }, "a remote editor is open");
    return whole;
  }

  /** What the gateway's editor says of itself; also shows that the session is alive. @throws GatewayError noc.unreachable */
  #version({ agent, token }: RemoteSession): Promise<string> {
    return new Promise((resolve, reject) => {
      const failed = (cause?: unknown) =>
        reject(
          new GatewayError("noc.unreachable", {
            message: "the gateway's editor does not answer",
            ...(cause === undefined ? {} : { cause }),
          }),
        );
      const headers = { host: "gateway", authorization: `Bearer ${token}`, accept: "application/json" };
      const asked = request({ agent, path: "/editor/settings", headers, signal: AbortSignal.timeout(openMs) }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text = (text + part).slice(0, 262_144);
        });
        response.on("error", failed);
        response.on("end", () => {
          const version = /"version":"([0-9A-Za-z.+-]{1,32}?)(?:-git)?"/.exec(text)?.[1]; // "-git": it runs from a checkout
          if (response.statusCode === 200) resolve(version ?? "");
          else failed();
        });
      });
      asked.on("error", failed);
      asked.end();
    });
  }

  async #ordered(
    site: { readonly tenant: string; readonly gateway: string },
    op: string,
    args: Readonly<Record<string, unknown>>,
    by: string,
    signal: AbortSignal,
  ): Promise<{ readonly token: string }> {
    const { authority, clock } = this.#parts;
    if (authority.site(site.tenant, site.gateway).online !== true)
      throw new GatewayError("noc.unreachable", { message: "the gateway is offline; its editor opens when it is back" });
    const { id } = authority.order(site.tenant, site.gateway, { op, args, risk: "write", ttl: openMs / 1_000 }, by);
    const endMs = clock.monotonicMs() + openMs;
    for (;;) {
      const row = authority.commands.get(id);
      const token = (row.result as { readonly token?: unknown } | undefined)?.token;
      if (row.state === "ok" && typeof token === "string") return { token };
      if (!row.open)
        throw new GatewayError("noc.unreachable", {
          message: `the gateway did not open its editor: ${row.error?.msg ?? row.error?.code ?? row.state}`,
        });
      if (clock.monotonicMs() > endMs) throw new GatewayError("noc.unreachable", { message: "the gateway did not answer in 30 s" });
      await authority.news.next(1_000, signal);
      signal.throwIfAborted();
    }
  }

  #receive(payload: Uint8Array): void {
    const frame = editorFrameCodec.decode(payload);
    this.#sessions.get(frame.session)?.tunnel.receive(frame, payload.length);
  }

  #close(session: RemoteSession): void {
    const { tunnel, agent, tenant, gateway, person } = session;
    this.#sessions.delete(tunnel.session);
    tunnel.close();
    agent.destroy();
    this.#parts.logger.info({ tenant, gateway, person, ...tunnel.counters }, "a remote editor is closed");
    try {
      this.#parts.authority.order(
        tenant,
        gateway,
        { op: "editor.close", args: { session: tunnel.session }, risk: "write", ttl: 300 },
        person,
      );
    } catch (error) {
      // The gateway ends it by itself when its time is over.
      if (!isGatewayError(error)) throw error;
    }
  }

  #secret(): string {
    return Buffer.from(this.#parts.entropy.bytes(32)).toString("base64url");
  }
}

/** node:http over the tunnel, connections kept for the next request. */
class TunnelAgent extends Agent {
  readonly #tunnel: TunnelEnd;

  constructor(tunnel: TunnelEnd) {
    super({ keepAlive: true, maxSockets: 8, maxFreeSockets: 4, timeout: 20_000 });
    this.#tunnel = tunnel;
  }

  override createConnection(_options: object, done?: (error: Error | null, stream: Duplex) => void): Duplex | undefined {
    try {
      return this.#tunnel.connect();
    } catch (error) {
      // Thrown here it would hit whoever freed a connection, not who asks.
      if (!isGatewayError(error) || done === undefined) throw error;
      (done as (error: Error) => void)(error);
      return undefined;
    }
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
