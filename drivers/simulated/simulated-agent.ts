import type { RemoteInfo, Socket } from "node:dgram";
import { once } from "node:events";
import { GatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import { type AnsweredVarbind, answer, type Question } from "./answering.ts";
import { AgentCounts } from "./counts.ts";
import {
  authPrivUser,
  type GuardedAgent,
  type NetSnmpMessage,
  type NetSnmpTrapSession,
  openGuardedAgent,
  openTrapSession,
  pduType,
  reportReason,
} from "./net-snmp-border.ts";
import type { ObjectTree } from "./object-tree.ts";

/** Who may ask a device; made up for the simulated site, and therefore no secret. */
export type SimulatedAccess =
  | { readonly version: "2c"; readonly community: string; readonly writeCommunity: string }
  | { readonly version: "3"; readonly user: string; readonly authKey: string; readonly privKey: string };

/** Agents keep their answers to what an Ethernet frame carries. */
const maxMessageBytes = 1_472;
/** Version, community or USM header, PDU header: what an answer needs besides its varbinds. */
const messageOverheadBytes = { community: 60, v3: 160 } as const;
const maxDelayedAnswers = 256;
const timeWindowS = 150;

/** What disturbs the conversation, as opposed to the device. */
export interface Disturbance {
  delayMs: number;
  /** 0..1, of requests. */
  loss: number;
  wrongCommunity: boolean;
}

export interface SimulatedAgentOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly access: SimulatedAccess;
  readonly tree: ObjectTree;
  /** Hexadecimal; changes when the device is exchanged. */
  readonly engineId: () => string;
  readonly engineBoots: () => number;
  readonly engineTimeS: () => number;
  readonly clock: Clock;
  /** Uniform in [0, 1), for loss. */
  readonly random: () => number;
  /** Before each answer: brings the site to the present; true = the device has no power or hangs. */
  readonly isDark: () => boolean;
  readonly onUnauthorised: () => void;
}

/** One device's agent: net-snmp's sockets, parsing, USM and encoding; our own tree behind it, since the library's is slow and cuts GETBULK short. */
export class SimulatedAgent {
  readonly counts: AgentCounts;
  readonly disturbance: Disturbance = { delayMs: 0, loss: 0, wrongCommunity: false };
  readonly #options: SimulatedAgentOptions;
  #guarded: GuardedAgent | undefined;
  #trapSession: NetSnmpTrapSession | undefined;
  #delayed = 0;
  #port = 0;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    this.counts = new AgentCounts(() => options.clock.now().wallMs);
  }

  /** The bound port; 0 before open. */
  get port(): number {
    return this.#port;
  }

  /** @throws GatewayError host.port-in-use | host.denied */
  async open(signal: AbortSignal): Promise<void> {
    const { host, port, engineId } = this.#options;
    const guarded = openGuardedAgent({
      host,
      port,
      engineId: engineId(),
      admit: () => this.#admit(),
      onBroken: (error) => this.#refused(error),
    });
    this.#guarded = guarded;
    try {
      await once(guarded.socket, "listening", { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw portError(error, host, port);
    }
    this.#port = guarded.socket.address().port;
    this.#authorise(guarded);
    this.#takeOver(guarded, signal);
  }

  close(): void {
    const guarded = this.#guarded;
    this.#guarded = undefined;
    this.#trapSession = undefined;
    guarded?.socket.close();
  }

  /** Sends one SNMPv2 trap from this agent's own port; silently nothing while the device is off. */
  sendTrap(
    target: { readonly host: string; readonly port: number },
    trap: { readonly oid: string; readonly varbinds: readonly AnsweredVarbind[]; readonly upTimeTicks: number },
  ): void {
    if (this.#guarded === undefined) return;
    this.#trapSession ??= openTrapSession(this.#guarded.socket, target, "public");
    this.counts.traps += 1;
    this.#trapSession.trap(trap.oid, trap.varbinds, { upTime: trap.upTimeTicks }, (error) => {
      if (error) this.counts.sendErrors += 1;
    });
  }

  #authorise({ agent }: GuardedAgent): void {
    const { access, engineId, engineBoots, engineTimeS } = this.#options;
    const authorizer = agent.getAuthorizer();
    if (access.version === "2c") {
      authorizer.addCommunity(access.community);
      authorizer.addCommunity(access.writeCommunity);
    } else {
      authorizer.addUser(authPrivUser(access.user, access.authKey, access.privKey));
    }
    // The library freezes them at 0 and 10 s; discovery must see them move (RFC 3414 2.2).
    Object.defineProperty(agent.engine, "engineID", { get: () => Buffer.from(engineId(), "hex") });
    Object.defineProperty(agent.engine, "engineBoots", { get: engineBoots });
    Object.defineProperty(agent.engine, "engineTime", { get: engineTimeS });
  }

  #takeOver({ agent }: GuardedAgent, signal: AbortSignal): void {
    const take = (socket: Socket, message: NetSnmpMessage, remote: RemoteInfo) => this.#take(socket, message, remote, signal);
    agent.getRequest = take;
    agent.getNextRequest = take;
    agent.getBulkRequest = take;
    agent.setRequest = take;
  }

  #admit(): boolean {
    const { loss } = this.disturbance;
    if (this.#options.isDark() || (loss > 0 && this.#options.random() < loss)) {
      this.counts.ignored += 1;
      return false;
    }
    return true;
  }

  #refused(error: unknown): void {
    this.counts.refused += 1;
    if (error instanceof Error && error.name === "RequestFailedError") this.#options.onUnauthorised();
  }

  #take(socket: Socket, message: NetSnmpMessage, remote: RemoteInfo, signal: AbortSignal): void {
    const { delayMs, wrongCommunity } = this.disturbance;
    if (wrongCommunity) {
      this.#refuse(socket, message, remote);
      return;
    }
    if (message.version === 3 && !this.#inTime(socket, message, remote)) return;
    if (delayMs <= 0) {
      this.#reply(socket, message, remote);
      return;
    }
    if (this.#delayed >= maxDelayedAnswers) {
      this.counts.ignored += 1;
      return;
    }
    this.#delayed += 1;
    this.#options.clock
      .sleep(delayMs, signal)
      .then(
        () => this.#reply(socket, message, remote),
        () => undefined,
      )
      .catch(() => {
        this.counts.sendErrors += 1;
      })
      .finally(() => {
        this.#delayed -= 1;
      });
  }

  /** A wrong community is met with silence, a wrong digest with a report (RFC 3414 3.2 step 6). */
  #refuse(socket: Socket, message: NetSnmpMessage, remote: RemoteInfo): void {
    this.counts.refused += 1;
    this.#options.onUnauthorised();
    const agent = this.#guarded?.agent;
    if (message.version !== 3 || agent === undefined) return;
    const report = message.createReportResponseMessage(agent.engine, "", reportReason.wrongDigests);
    report.setReportable(false);
    agent.listener.send(report, remote, socket);
  }

  /** RFC 3414 3.2 steps 3 and 7a, which the library leaves out. */
  #inTime(socket: Socket, message: NetSnmpMessage, remote: RemoteInfo): boolean {
    const agent = this.#guarded?.agent;
    const security = message.msgSecurityParameters;
    if (agent === undefined || security === undefined) return false;
    const known = security.msgAuthoritativeEngineID.equals(agent.engine.engineID);
    const boots = this.#options.engineBoots();
    const timeS = this.#options.engineTimeS();
    const inWindow = security.msgAuthoritativeEngineBoots === boots && Math.abs(security.msgAuthoritativeEngineTime - timeS) <= timeWindowS;
    if (known && inWindow) return true;
    const report = message.createReportResponseMessage(
      agent.engine,
      "",
      known ? reportReason.notInTimeWindow : reportReason.unknownEngineId,
    );
    report.setReportable(false);
    if (known && message.user !== undefined && report.msgSecurityParameters !== undefined) {
      // Only an authenticated report may move the manager's notion of our time.
      report.user = { ...message.user, level: 2 };
      report.msgSecurityParameters.msgUserName = message.user.name;
      report.setAuthentication(true);
    }
    this.counts.reports += 1;
    agent.listener.send(report, remote, socket);
    return false;
  }

  #reply(socket: Socket, message: NetSnmpMessage, remote: RemoteInfo): void {
    const agent = this.#guarded?.agent;
    if (agent === undefined || this.#options.isDark()) return;
    const { pdu, version } = message;
    const question: Question = {
      operation: operationOf(pdu.type),
      version,
      varbinds: pdu.varbinds,
      nonRepeaters: pdu.nonRepeaters,
      maxRepetitions: pdu.maxRepetitions,
      budgetBytes:
        Math.min(maxMessageBytes, message.msgGlobalData?.msgMaxSize ?? maxMessageBytes) -
        (version === 3 ? messageOverheadBytes.v3 : messageOverheadBytes.community),
      writable: this.#writable(message),
    };
    const given = answer(this.#options.tree, question);
    const security = message.msgSecurityParameters;
    if (security !== undefined) {
      security.msgAuthoritativeEngineBoots = this.#options.engineBoots();
      security.msgAuthoritativeEngineTime = this.#options.engineTimeS();
    }
    const response = Object.assign(pdu.getResponsePduForRequest(), {
      varbinds: given.varbinds,
      errorStatus: given.errorStatus,
      errorIndex: given.errorIndex,
    });
    agent.sendResponse(socket, remote, message, response);
    this.counts.answered(question.operation, question.varbinds[0]?.oid ?? "", given.columns);
  }

  #writable(message: NetSnmpMessage): boolean {
    const { access } = this.#options;
    return access.version === "3" || message.community === access.writeCommunity;
  }
}

function operationOf(type: number): Question["operation"] {
  if (type === pduType.getBulk) return "get-bulk";
  if (type === pduType.getNext) return "get-next";
  return type === pduType.set ? "set" : "get";
}

function portError(error: unknown, host: string, port: number): GatewayError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return new GatewayError(code === "EADDRINUSE" ? "host.port-in-use" : "host.denied", {
    message: `simulated agent cannot listen on ${host}:${port}`,
    cause: error,
    fields: { host, port },
  });
}
