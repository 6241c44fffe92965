import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isGatewayError } from "../../runtime/model/errors.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { type FuzzSubject, fuzzSubjects } from "./fuzz-subjects.ts";

/** Inputs for each reader; GATEHOUSE_FUZZ=100000 for the long run. GATEHOUSE_SEED repeats one. */
const cases = Number(process.env["GATEHOUSE_FUZZ"] ?? 300);
const isLong = cases > 10_000;
/** Part of a reader's name; absent: all. */
const only = process.env["GATEHOUSE_FUZZ_ONLY"];
const entropy = seededEntropy(Number(process.env["GATEHOUSE_SEED"] ?? 7));
const below = (limit: number) => Math.floor(entropy.random() * Math.max(1, limit));

/** A valid input with something done to it: bits, bytes, pieces, length, numbers, nesting. Never the input itself. */
function mutated(valid: Uint8Array): Uint8Array {
  let bytes: Buffer = Buffer.from(valid);
  for (let change = 0; change <= below(4); change++) bytes = changed(bytes, below(bytes.length));
  return bytes.equals(valid) ? Buffer.concat([bytes, Buffer.from("}")]) : bytes;
}

function changed(bytes: Buffer, at: number): Buffer {
  switch (below(8)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
      return bytes;
    case 1:
      bytes[at] = below(256);
      return bytes;
    case 2:
      bytes.copyWithin(at, below(bytes.length), below(bytes.length));
      return bytes;
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(entropy.bytes(1 + below(64))), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from('[{"'.repeat(1 + below(300))), bytes.subarray(at)]);
    case 6:
      return Buffer.from(
        bytes.toString("latin1").replace(/\d+/, () => ["-1", "1e999", "9007199254740993", "null", '"x"'][below(5)] ?? "0"),
        "latin1",
      );
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(bytes.length))]);
  }
}

/** What a border turns into a GatewayError: JSON of a document is parsed before its reader is called. */
function isRefusal(error: unknown): boolean {
  return isGatewayError(error) || error instanceof SyntaxError;
}

describe(`${cases} damaged inputs`, () => {
  let all: Awaited<ReturnType<typeof fuzzSubjects>>;
  beforeAll(async () => {
    all = await fuzzSubjects();
  }, 120_000);
  afterAll(() => all.end());

  it("crash no reader, and are never taken for genuine", async () => {
    const table: object[] = [];
    const chosen = all.subjects.filter(({ name }) => only === undefined || new RegExp(only).test(name));
    for (const subject of chosen) table.push(await fuzzed(subject));
    if (isLong) console.table(table);
    expect(all.subjects.length).toBeGreaterThanOrEqual(20);
  }, 3_600_000);

  async function fuzzed(subject: FuzzSubject) {
    const count = isLong ? cases : Math.ceil(cases * (subject.share ?? 1));
    const before = process.memoryUsage.rss();
    const startedMs = performance.now();
    let [refused, understood] = [0, 0];
    for (let done = 0; done < count; done++) {
      const bytes = mutated(subject.valid[done % subject.valid.length] ?? new Uint8Array());
      try {
        const isTaken = await subject.read(bytes);
        if (isTaken === true) throw new Error(`accepted: ${Buffer.from(bytes).toString("base64")}`);
        understood += 1;
      } catch (error) {
        if (!isRefusal(error))
          throw new Error(`${subject.name}: ${Buffer.from(bytes).toString("base64").slice(0, 4_000)}`, { cause: error });
        refused += 1;
      }
    }
    const grownMiB = Math.round((process.memoryUsage.rss() - before) / 2 ** 20);
    const row = {
      reader: subject.name,
      inputs: count,
      refused,
      understood,
      accepted: 0,
      seconds: Math.round((performance.now() - startedMs) / 1_000),
      grownMiB,
    };
    if (isLong) console.log(JSON.stringify(row));
    return row;
  }
});
