import type { Observation } from "#model/observation.ts";
import type { Buffer } from "#ports/buffer.ts";
import type { FrameEncoder } from "#ports/codec.ts";
import type { Intake } from "#ports/intake.ts";
import type { Logger } from "#ports/logger.ts";

const maxTaps = 16;

/**
 * The one door for observations: taps get a look, the encoder makes frames once, the buffer admits them. Encoding and admission happen
 * in one synchronous step, so that frames enter the journal in the order in which the encoder made them.
 */
export class BufferedIntake implements Intake {
  readonly #encoder: FrameEncoder;
  readonly #buffer: Buffer;
  readonly #logger: Logger;
  readonly #taps = new Set<(observation: Observation) => void>();

  constructor(parts: { readonly encoder: FrameEncoder; readonly buffer: Buffer; readonly logger: Logger }) {
    this.#encoder = parts.encoder;
    this.#buffer = parts.buffer;
    this.#logger = parts.logger;
  }

  async accept(observation: Observation): Promise<void> {
    this.#offer(observation);
    const frames = observation.kind === "report" ? this.#encoder.encodeReport(observation) : [this.#encoder.encodeObservation(observation)];
    if (frames.length === 0) return;
    const admitted = this.#buffer.append(frames);
    const position = typeof admitted === "number" ? admitted : await admitted;
    for (const { urgent } of frames) {
      if (!urgent) continue;
      await this.#buffer.durable(position);
      return;
    }
  }

  tap(tap: (observation: Observation) => void): () => void {
    if (this.#taps.size >= maxTaps) throw new Error(`more than ${maxTaps} taps`);
    this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  #offer(observation: Observation): void {
    for (const tap of this.#taps) {
      try {
        tap(observation);
      } catch (error) {
        // A tap is a guest: its bug costs it the tap, never the measurement.
        this.#taps.delete(tap);
        this.#logger.error({ error: String(error) }, "a tap threw and was removed");
      }
    }
  }
}
