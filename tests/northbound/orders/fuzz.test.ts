import { describe, expect, it } from "vitest";
import { parseStrictJson } from "../../../cloud-bridge/protocol/messages/strict-json.ts";
import { isGatewayError } from "../../../runtime/model/errors.ts";
import { signedMessages } from "../../../runtime/parts-northbound.ts";
import { fuzzOrders, orderKinds } from "../../fuzz/runs/orders.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { manifest, order } from "./noc-pen.ts";

/** GATEHOUSE_FUZZ=100000 for the long run. */
const cases = Number(process.env.GATEHOUSE_FUZZ ?? 1_500);
const seed = Number(process.env.GATEHOUSE_SEED ?? 7);
const entropy = seededEntropy(seed);
const below = (limit: number) => Math.floor(entropy.random() * limit);

/** A valid message with something done to it: bits, pieces, length, characters. Never the message itself. */
function mutated(valid: Uint8Array): Uint8Array {
  const bytes = Buffer.from(valid);
  for (let change = 0; change <= below(4); change++) {
    const at = below(bytes.length);
    switch (below(5)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
        break;
      case 1:
        bytes[at] = below(256);
        break;
      case 2:
        bytes.copyWithin(at, below(bytes.length), below(bytes.length));
        break;
      case 3:
        return mutatedLength(bytes, at);
      default:
        bytes.fill(below(256), at, Math.min(bytes.length, at + below(16)));
    }
  }
  return bytes.equals(valid) ? Buffer.concat([bytes, Buffer.from("=")]) : bytes;
}

function mutatedLength(bytes: Buffer, at: number): Uint8Array {
  if (below(2) === 0) return bytes.subarray(0, at);
  const extra = Buffer.from(entropy.bytes(1 + below(64)));
  return Buffer.concat([bytes.subarray(0, at), extra, bytes.subarray(at)]);
}

describe(`${cases} damaged messages`, () => {
  it.each(orderKinds)("on %s: nothing is accepted, nothing crashes, memory stays", async (kind) => {
    const { failure, ran, generation, journaled, stateEntries } = await fuzzOrders(kind, { inputs: cases, seed });
    expect(failure).toBeUndefined();
    expect({ ran, generation, journaled }).toEqual({ ran: 0, generation: 0, journaled: 0 });
    expect(stateEntries).toBeLessThanOrEqual(4);
  });

  it("in the parsers of payloads: a message or a GatewayError, never anything else", () => {
    const texts = [
      manifest(3, 1_800_000_000, [{ k: "config", id: "c", rev: 1, sha256: "0".repeat(64), size: 1, enc: "json" }]),
      order("a.b", 1_800_000_000, "n".repeat(22)),
    ];
    const parsers = [signedMessages.parseManifest, signedMessages.parseCommand, signedMessages.parseKeys, signedMessages.parseBlobPiece];
    const strict = (bytes: Uint8Array) => parseStrictJson(new TextDecoder().decode(bytes));
    let refused = 0;
    for (let done = 0; done < cases; done++) {
      const bytes = mutated(Buffer.from(JSON.stringify(texts[done % texts.length])));
      for (const parse of [...parsers, strict]) {
        try {
          parse(bytes);
        } catch (error) {
          if (!isGatewayError(error)) throw error;
          refused += 1;
        }
      }
    }
    expect(refused).toBeGreaterThan(cases);
  });
});
