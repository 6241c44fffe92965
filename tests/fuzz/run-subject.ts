import { isGatewayError } from "../../runtime/model/errors.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { Mutation } from "./mutation.ts";
import type { FuzzSubject, RunOptions } from "./subject.ts";

export interface Outcome {
  readonly inputs: number;
  readonly refused: number;
  readonly understood: number;
  /** Longest read of one input. */
  readonly slowestMs: number;
  /** Number of that input. */
  readonly slowest: number;
  /** Of the inputs that the others are made from. */
  readonly validRefused: number;
}

/** What a border turns into a GatewayError: JSON of a document is parsed before its reader is called. */
function isRefusal(error: unknown): boolean {
  return isGatewayError(error) || error instanceof SyntaxError;
}

/** Feeds one reader. @throws Error with the input when it crashed, or took a changed input for genuine */
export async function runSubject(subject: FuzzSubject, options: RunOptions): Promise<Outcome> {
  const opened = await subject.open();
  const mutation = new Mutation(seededEntropy(options.seed));
  let [refused, understood, slowestMs, slowest, validRefused] = [0, 0, 0, 0, 0];
  try {
    for (const valid of opened.valid) {
      try {
        await opened.read(valid);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        validRefused += 1;
      }
    }
    for (let done = 0; done < options.inputs; done++) {
      options.onProgress?.(done);
      // As in life: what the library frees in a later turn must have its turn.
      if (done % 64 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      const bytes = mutation.of(opened.valid[done % opened.valid.length] ?? new Uint8Array(), opened.form);
      const startedMs = performance.now();
      try {
        const answer = opened.read(bytes);
        const isTaken = answer instanceof Promise ? await answer : answer;
        if (isTaken === true) throw new Error("accepted");
        understood += 1;
      } catch (error) {
        if (!isRefusal(error)) throw new Error(`${subject.name}, seed ${options.seed}, input ${done}: ${shown(bytes)}`, { cause: error });
        refused += 1;
      }
      const tookMs = performance.now() - startedMs;
      if (tookMs > slowestMs) [slowestMs, slowest] = [tookMs, done];
    }
    options.onProgress?.(options.inputs);
    await opened.check?.();
  } finally {
    await opened.close?.();
  }
  return { inputs: options.inputs, refused, understood, slowestMs, slowest, validRefused };
}

function shown(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").slice(0, 4_000);
}
