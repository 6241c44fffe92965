import { describe, expect, it } from "vitest";
import { parseStrictJson } from "../../../cloud-bridge/protocol/messages/strict-json.ts";
import { isGatewayError } from "../../../runtime/model/errors.ts";
import { signedMessages } from "../../../runtime/parts-northbound.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { MemoryState } from "../../southbound/discovery/memory-state.ts";
import { MemoryDocuments } from "./memory-documents.ts";
import { manifest, nocPens, order } from "./noc-pen.ts";
import { Stand } from "./stand.ts";

/** GATEHOUSE_FUZZ=100000 for the long run. */
const cases = Number(process.env.GATEHOUSE_FUZZ ?? 1_500);
const entropy = seededEntropy(Number(process.env.GATEHOUSE_SEED ?? 7));
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
  it.each(["des", "cmd", "keys", "blob"] as const)("on %s: nothing is accepted, nothing crashes, memory stays", async (kind) => {
    const noc = await nocPens();
    const ran: string[] = [];
    const note = {
      name: "test.note",
      risk: "read" as const,
      summary: "",
      argumentsSchema: {},
      maxDurationMs: 1_000,
      execute: async () => void ran.push("x"),
    };
    const state = new MemoryState();
    const stand = new Stand({ trust: noc.trust, state, documents: new MemoryDocuments(), operations: [note] }).start();
    const nonce = stand.nonce.renew();
    const keys = {
      v: 1,
      iss: "noc",
      aud: "gateways",
      tenant: "acme",
      version: 2,
      iat: stand.nowS,
      keys: [{ kid: "k", roles: ["cmd"], x: noc.command.jwk.x }],
    };
    const valid = {
      des: await noc.desired.sign("gh-desired+jws", manifest(3, stand.nowS)),
      cmd: await noc.command.sign("gh-cmd+jws", order("test.note", stand.nowS, nonce)),
      keys: await noc.root.sign("gh-keys+jws", keys),
      blob: Buffer.from("a4006162316100016162", "hex"),
    }[kind];
    const leaf = kind === "keys" ? "cmd" : kind;
    // Pauses for a flood are simulated time: somebody must let it pass.
    for (let done = 0; done < cases; done += 50) {
      const burst = Promise.all(Array.from({ length: Math.min(50, cases - done) }, () => stand.deliver(leaf, mutated(valid))));
      await Promise.all([burst, stand.pass(5_000)]);
    }
    await stand.pass(10_000);
    expect(stand.failure).toBeUndefined();
    // base64url has spare bits at the end of a part: another spelling of the very same signed bytes may pass, and changes nothing more.
    expect(ran.length).toBeLessThanOrEqual(1);
    expect([0, 3]).toContain(stand.authority.accepted.gen);
    expect(stand.desk.journal.size).toBeLessThanOrEqual(1);
    expect(state.entries.size).toBeLessThanOrEqual(4);
    await stand.stop();
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
