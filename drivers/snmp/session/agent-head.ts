import type { Varbind } from "#ports/snmp.ts";
import { assessUptime, type UptimeAssessment, type UptimeReading, type UptimeVerdict } from "../counters/agent-uptime.ts";
import type { Exchange } from "./exchange.ts";
import type { AgentMoment } from "./polled-table.ts";
import { Shared } from "./shared.ts";

export const headOids = {
  sysUpTime: "1.3.6.1.2.1.1.3.0",
  sysObjectId: "1.3.6.1.2.1.1.2.0",
  engineBoots: "1.3.6.1.6.3.10.2.1.2.0",
  engineTime: "1.3.6.1.6.3.10.2.1.3.0",
  hostUptime: "1.3.6.1.2.1.25.1.1.0",
  ifTableLastChange: "1.3.6.1.2.1.31.1.5.0",
  entLastChangeTime: "1.3.6.1.2.1.47.1.4.1.0",
} as const;

export interface HeadReading {
  readonly verdict: UptimeVerdict;
  readonly moment: AgentMoment;
  readonly uptime: UptimeReading;
  /** Another engine id answers, or engineBoots went back: the agent lost its identity, or is another one. */
  readonly identityReset: boolean;
  /** The agent's uptime says "restart" with every poll. */
  readonly uptimeDistrusted: boolean;
  readonly sysObjectId: string | undefined;
  readonly sysObjectIdChanged: boolean;
  /** ifTableLastChange or entLastChangeTime moved. */
  readonly tablesChanged: boolean;
  /** When they moved, by the agent's own word; negative infinity = not known. Monotonic milliseconds. */
  readonly changedAtMs: number;
  readonly entitiesChanged: boolean;
}

type HeadObject = keyof typeof headOids;
const headObjects: readonly HeadObject[] = Object.freeze([
  "sysUpTime",
  "sysObjectId",
  "engineBoots",
  "engineTime",
  "hostUptime",
  "ifTableLastChange",
  "entLastChangeTime",
]);

/** What one agent is asked. One for all agents that have the same: the engine keeps the encoded request with the list of OIDs. */
interface HeadQuestion {
  readonly oids: readonly string[];
  /** Where each object stands in the answers; -1 = not asked for. */
  readonly places: Readonly<Record<HeadObject, number>>;
}

const questions = new Shared<HeadQuestion>(2 ** headObjects.length);

function questionOf(objects: readonly HeadObject[]): HeadQuestion {
  return questions.get(objects.join(), () => {
    const place = (object: HeadObject): number => objects.indexOf(object);
    return {
      oids: Object.freeze(objects.map((object) => headOids[object])),
      places: {
        sysUpTime: place("sysUpTime"),
        sysObjectId: place("sysObjectId"),
        engineBoots: place("engineBoots"),
        engineTime: place("engineTime"),
        hostUptime: place("hostUptime"),
        ifTableLastChange: place("ifTableLastChange"),
        entLastChangeTime: place("entLastChangeTime"),
      },
    };
  });
}

const wholeQuestion = questionOf(headObjects);
const objectIdsShared = new Shared<string>(256);

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Readings of whole seconds this many times running mean a clock too coarse for rates over seconds. */
const coarseAfter = 4;

/** A restart adds one, each poll takes a tenth: four restarts running, and the clock is the suspect. */
const restartScoreMax = 3;
const restartScoreTrusted = 0.5;

/**
 * The first request of each poll: is the agent there, is it the same agent, did it restart, did its tables change. Asks only for
 * what the agent was found to have.
 */
export class AgentHead {
  #question = wholeQuestion;
  #isSettled = false;
  #previous: Writable<UptimeReading> | undefined;
  #engineId: string | undefined;
  #sysObjectId: string | undefined;
  #ifTableLastChange: number | undefined;
  #entLastChangeTime: number | undefined;
  #agentMs = 0;
  #epoch = 0;
  #wholeSeconds = 0;
  #restartScore = 0;
  #uptimeDistrusted = false;

  /** What `read` would ask for, where the agent was found to have all of that. A list that is kept. */
  get settledOids(): readonly string[] | undefined {
    return this.#isSettled ? this.#question.oids : undefined;
  }

  /** @throws GatewayError driver.* when the agent does not answer */
  async read(exchange: Exchange): Promise<HeadReading> {
    const answers = await exchange.session.get(this.#question.oids, exchange.signal);
    return this.take(answers, exchange.clock.monotonicMs(), exchange);
  }

  /** Takes over what the agent answered to all that is asked for. @param answeredMs monotonic */
  take(answers: readonly Varbind[], answeredMs: number, exchange: Exchange): HeadReading {
    const { places } = this.#question;
    // v3 authenticates them with every message; v1 and v2c agents may have the objects.
    const engine = exchange.session.engine();
    const uptime: UptimeReading = {
      monotonicMs: answeredMs,
      sysUpTimeTicks: numberOf(answers[places.sysUpTime]),
      engineBoots: numberOf(answers[places.engineBoots]) ?? engine?.boots,
      engineTimeS: numberOf(answers[places.engineTime]),
      hostUptimeTicks: numberOf(answers[places.hostUptime]),
    };
    const identityReset = this.#isIdentityReset(engine?.engineId, uptime);
    const assessment = this.#assess(identityReset, uptime);
    this.#advance(assessment.verdict, assessment.agentElapsedMs, uptime);
    const changes = this.#changes(answers, places, assessment.verdict, uptime);
    // After a restart the agent may have learnt or lost something: ask for everything again.
    const isRestarted = assessment.verdict === "restart";
    const isNarrowed = !isRestarted && lacksSome(answers, this.#question);
    this.#isSettled = !isRestarted && !isNarrowed && uptime.sysUpTimeTicks !== undefined;
    if (isRestarted) this.#question = wholeQuestion;
    else if (isNarrowed) {
      this.#question = questionOf(headObjects.filter((object) => object === "sysUpTime" || answers[places[object]]?.value !== undefined));
    }
    this.#remember(uptime);
    return {
      identityReset,
      uptimeDistrusted: this.#uptimeDistrusted,
      verdict: assessment.verdict,
      uptime,
      moment: { monotonicMs: uptime.monotonicMs, agentMs: this.#agentMs, epoch: this.#epoch },
      sysObjectId: this.#sysObjectId,
      sysObjectIdChanged: changes.sysObjectIdChanged,
      tablesChanged: changes.tablesChanged,
      changedAtMs: changes.changedAtMs,
      entitiesChanged: changes.entitiesChanged,
    };
  }

  /** In place: an object of each poll would outlive it by an interval, and be carried about and marked with the old ones. */
  #remember({ monotonicMs, sysUpTimeTicks, engineBoots, engineTimeS, hostUptimeTicks }: UptimeReading): void {
    const kept = this.#previous;
    if (kept === undefined) {
      this.#previous = { monotonicMs, sysUpTimeTicks, engineBoots, engineTimeS, hostUptimeTicks };
      return;
    }
    kept.monotonicMs = monotonicMs;
    kept.sysUpTimeTicks = sysUpTimeTicks;
    kept.engineBoots = engineBoots;
    kept.engineTimeS = engineTimeS;
    kept.hostUptimeTicks = hostUptimeTicks;
  }

  /** Some agents' uptime jumps at random: it is not believed until it has calmed down. */
  #assess(identityReset: boolean, uptime: UptimeReading): UptimeAssessment {
    const seen = assessUptime(this.#previous, uptime);
    const restarted = seen.verdict === "restart" || (identityReset && seen.verdict !== "first");
    this.#restartScore = this.#restartScore * 0.9 + (restarted ? 1 : 0);
    if (this.#restartScore > restartScoreMax) this.#uptimeDistrusted = true;
    if (this.#restartScore < restartScoreTrusted) this.#uptimeDistrusted = false;
    const unknown = { agentElapsedMs: Number.NaN };
    if (restarted && this.#uptimeDistrusted && !identityReset) return { verdict: "clock-step", ...unknown };
    return restarted ? { verdict: "restart", ...unknown } : seen;
  }

  #isIdentityReset(engineId: string | undefined, uptime: UptimeReading): boolean {
    const before = this.#previous;
    const otherEngine = engineId !== undefined && this.#engineId !== undefined && engineId !== this.#engineId;
    this.#engineId = engineId ?? this.#engineId;
    const bootsBefore = before?.engineBoots;
    return otherEngine || (bootsBefore !== undefined && uptime.engineBoots !== undefined && uptime.engineBoots < bootsBefore);
  }

  /** The agent's clock where it advanced sanely and finely enough, ours in between: continuous, never back. */
  #advance(verdict: UptimeVerdict, agentElapsedMs: number, uptime: UptimeReading): void {
    if (verdict === "restart") this.#epoch += 1;
    const ticks = uptime.sysUpTimeTicks;
    this.#wholeSeconds = ticks !== undefined && ticks % 100 === 0 ? this.#wholeSeconds + 1 : 0;
    const gapMs = this.#previous === undefined ? 0 : uptime.monotonicMs - this.#previous.monotonicMs;
    this.#agentMs += Number.isNaN(agentElapsedMs) || this.#wholeSeconds >= coarseAfter ? gapMs : agentElapsedMs;
  }

  #changes(
    answers: readonly Varbind[],
    places: HeadQuestion["places"],
    verdict: UptimeVerdict,
    uptime: UptimeReading,
  ): Pick<HeadReading, "sysObjectIdChanged" | "tablesChanged" | "changedAtMs" | "entitiesChanged"> {
    const sysObjectId = textOf(answers[places.sysObjectId]);
    const sysObjectIdChanged = verdict !== "first" && sysObjectId !== undefined && sysObjectId !== this.#sysObjectId;
    if (sysObjectId !== undefined && sysObjectId !== this.#sysObjectId)
      this.#sysObjectId = objectIdsShared.get(sysObjectId, () => sysObjectId);
    const lastChange = numberOf(answers[places.ifTableLastChange]);
    const tablesChanged = verdict !== "first" && lastChange !== this.#ifTableLastChange;
    this.#ifTableLastChange = lastChange;
    const entityChange = numberOf(answers[places.entLastChangeTime]);
    const entitiesChanged = verdict !== "first" && entityChange !== this.#entLastChangeTime;
    this.#entLastChangeTime = entityChange;
    const agoTicks = (uptime.sysUpTimeTicks ?? Number.NaN) - (lastChange ?? Number.NaN);
    const changedAtMs = tablesChanged && agoTicks >= 0 ? uptime.monotonicMs - agoTicks * 10 : Number.NEGATIVE_INFINITY;
    return { sysObjectIdChanged, tablesChanged, changedAtMs, entitiesChanged };
  }
}

/** Whether something that was asked for is not there; sysUpTime is asked for whatever the agent says. */
function lacksSome(answers: readonly Varbind[], { oids, places }: HeadQuestion): boolean {
  for (let place = 0; place < oids.length; place++) {
    if (answers[place]?.value === undefined && place !== places.sysUpTime) return true;
  }
  return false;
}

function numberOf(varbind: Varbind | undefined): number | undefined {
  return typeof varbind?.value === "number" ? varbind.value : undefined;
}

function textOf(varbind: Varbind | undefined): string | undefined {
  return typeof varbind?.value === "string" ? varbind.value : undefined;
}
