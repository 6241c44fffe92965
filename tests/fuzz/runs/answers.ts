import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../../drivers/snmp/engine/engine.ts";
import { datagramBunches } from "../../../runtime/host/datagram-bunches.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import type { SnmpCredential } from "../../../runtime/model/equipment.ts";
import type { Clock } from "../../../runtime/ports/clock.ts";
import { startEngine } from "../../drivers/snmp/engine/conversing.ts";
import { FuzzedConversation, fuzzUser } from "../../drivers/snmp/engine/fuzzing.ts";
import { seeded } from "../../drivers/snmp/engine/mutating.ts";
import { silentLogger } from "../../sim/silent-logger.ts";
import type { FuzzRun, RunOptions } from "../subject.ts";

const conversations = 48;
const stuckAfterMs = 60_000;
/** Counting blocks costs time: at full speed most operations would end by their timeout. */
const speedUnderCoverage = 5;

/** Real time, run `speed` times as fast: at 20, timeouts of 250 ms pass in 12. */
class FastClock implements Clock {
  readonly #clock = new SystemClock(() => true);
  readonly #speed: number;

  constructor(speed: number) {
    this.#speed = speed;
  }

  now = () => this.#clock.now();
  anchors = () => this.#clock.anchors();
  monotonicMs = () => this.#clock.monotonicMs() * this.#speed;
  sleep = (ms: number, signal: AbortSignal) => this.#clock.sleep(ms / this.#speed, signal);
}

function credentialOf(index: number): SnmpCredential {
  if (index % 4 === 0) return fuzzUser;
  return { version: index % 4 === 1 ? "1" : "2c", community: "public" };
}

/** What came of many agents whose answers are mutated, 48 at once. */
export interface FuzzedAnswers {
  readonly mutated: number;
  readonly operations: number;
  readonly failed: number;
  /** Values that were believed and never said. */
  readonly wrong: readonly string[];
  /** Lines the engine logged as errors. */
  readonly faults: readonly unknown[];
  /** Requests that nobody answered to their end. */
  readonly pending: number;
  readonly strays: Engine["strays"];
}

/** Lets an engine ask agents that lie until so many answers were mutated. @throws Error when an operation is stuck */
export async function fuzzAnswers({ inputs, seed, onProgress = () => undefined }: RunOptions, speed = 20): Promise<FuzzedAnswers> {
  const clock = new FastClock(speed);
  const faults: unknown[] = [];
  const logger = { ...silentLogger, child: () => logger, error: (...line: unknown[]) => void faults.push(line) };
  // As `gatehouse run` has it: what arrives lies in memory that the next datagrams are written to.
  const engine = startEngine({ clock, logger, bunches: datagramBunches(process.platform, process.arch) });
  const fuzzed = Array.from({ length: conversations }, (_, index) => new FuzzedConversation(credentialOf(index), seeded(seed + index)));
  const total = (of: "mutated" | "operations" | "failed") => fuzzed.reduce((sum, { tally }) => sum + tally[of], 0);
  const isDone = () => {
    const mutated = total("mutated");
    onProgress(Math.min(mutated, inputs));
    return mutated >= inputs;
  };
  const within = async (work: Promise<void>, what: string) => {
    let alarm: NodeJS.Timeout | undefined;
    const stuck = new Promise<never>((_, reject) => {
      alarm = setTimeout(() => reject(new Error(`stuck: ${what}, seed ${seed}`)), stuckAfterMs);
    });
    await Promise.race([work, stuck]).finally(() => clearTimeout(alarm));
  };
  await Promise.all(
    fuzzed.map(async (conversation) => {
      const session = await conversation.open(engine);
      await conversation.run(session, isDone, within, clock.monotonicMs);
    }),
  );
  const { pending, strays } = engine;
  await engine.close();
  await Promise.all(fuzzed.map((conversation) => conversation.close()));
  const wrong = fuzzed.flatMap(({ tally }) => tally.wrong);
  return { mutated: total("mutated"), operations: total("operations"), failed: total("failed"), wrong, faults, pending, strays };
}

const engineFolder = "drivers/snmp/engine";

/** Ten times the inputs of a reader: what equipment says is what the gateway hears most of. */
export const answersRun: FuzzRun = {
  name: "SNMP answers",
  factor: 10,
  get files() {
    return readdirSync(join(import.meta.dirname, "../../..", engineFolder)).flatMap((name) =>
      name.endsWith(".ts") ? [`${engineFolder}/${name}`] : [],
    );
  },
  run: async (options) => {
    const { mutated, operations, failed, wrong, faults, pending, strays } = await fuzzAnswers(options, speedUnderCoverage);
    if (wrong.length > 0) throw new Error(`believed and never said: ${wrong.slice(0, 20).join("; ")}`);
    if (faults.length > 0 || strays.decoderFaults > 0) throw new Error(`the engine has bugs: ${JSON.stringify(faults.slice(0, 5))}`);
    if (pending > 0) throw new Error(`${pending} requests are stuck`);
    return { inputs: mutated, refused: failed, understood: operations - failed };
  },
};
