import { MemoryDocuments } from "../../northbound/orders/memory-documents.ts";
import { manifest, nocPens, order } from "../../northbound/orders/noc-pen.ts";
import { Stand } from "../../northbound/orders/stand.ts";
import { seededEntropy } from "../../sim/seeded-entropy.ts";
import { MemoryState } from "../../southbound/discovery/memory-state.ts";
import { Mutation } from "../mutation.ts";
import { type FuzzRun, type RunOptions, sameBytes } from "../subject.ts";

export type OrderKind = "des" | "cmd" | "keys" | "blob";
export const orderKinds: readonly OrderKind[] = ["des", "cmd", "keys", "blob"];
const burst = 50;

export interface FuzzedOrders {
  /** Thrown by a unit of the gateway. */
  readonly failure: unknown;
  readonly ran: number;
  readonly generation: number;
  readonly journaled: number;
  readonly stateEntries: number;
}

/** The gateway's whole way of a signed message, from the wire to what is done, in simulated time. */
export async function fuzzOrders(kind: OrderKind, { inputs, seed, onProgress = () => undefined }: RunOptions): Promise<FuzzedOrders> {
  const noc = await nocPens();
  let ran = 0;
  const note = {
    ...{ name: "test.note", risk: "read" as const, summary: "", argumentsSchema: {}, maxDurationMs: 1_000 },
    execute: async () => void ran++,
  };
  const state = new MemoryState();
  const stand = new Stand({ trust: noc.trust, state, documents: new MemoryDocuments(), operations: [note] }).start();
  const nonce = stand.nonce.renew();
  const command = order("test.note", stand.nowS, nonce);
  const keys = {
    ...{ v: 1, iss: "noc", aud: "gateways", tenant: "acme", version: 2 },
    keys: [{ kid: "k", roles: ["cmd"], x: noc.command.jwk.x }],
  };
  // Made anew, or all but the first would be refused for their age alone.
  const valid = {
    des: () => noc.desired.sign("gh-desired+jws", manifest(3, stand.nowS)),
    cmd: () => noc.command.sign("gh-cmd+jws", { ...command, iat: stand.nowS }),
    keys: () => noc.root.sign("gh-keys+jws", { ...keys, iat: stand.nowS }),
    blob: async () => Buffer.from("a4006162316100016162", "hex"),
  }[kind];
  const leaf = kind === "keys" ? "cmd" : kind;
  const mutation = new Mutation(seededEntropy(seed));
  for (let done = 0; done < inputs; done += burst) {
    onProgress(done);
    const genuine = Buffer.from(await valid());
    const isSame = (message: Uint8Array) =>
      kind !== "blob" && sameBytes(Buffer.from(message).toString("latin1"), genuine.toString("latin1"));
    const messages = Array.from({ length: Math.min(burst, inputs - done) }, () =>
      mutation.of(genuine, kind === "blob" ? "bytes" : "jws"),
    ).filter((message) => !isSame(message));
    const delivered = Promise.all(messages.map((message) => stand.deliver(leaf, message)));
    // Pauses for a flood are simulated time: somebody must let it pass.
    await Promise.all([delivered, stand.pass(5_000)]);
    // What the stand keeps for tests to look at is not the gateway's memory.
    for (const kept of [stand.alarms, stand.audit, stand.reports, stand.said, stand.results, stand.requests]) kept.splice(0);
  }
  await stand.pass(10_000);
  onProgress(inputs);
  const { failure } = stand;
  const [generation, journaled] = [stand.authority.accepted.gen, stand.desk.journal.size];
  await stand.stop();
  return { failure, ran, generation, journaled, stateEntries: state.entries.size };
}

const room = "runtime/northbound";
const way = [`${room}/inbox.ts`, `${room}/authority/authority.ts`, `${room}/authority/key-ring.ts`, "cloud-bridge/protocol/envelope.ts"];
const own: Readonly<Record<OrderKind, readonly string[]>> = {
  des: [`${room}/desired-state/engine.ts`, `${room}/desired-state/memory.ts`],
  cmd: [`${room}/command-desk/desk.ts`, `${room}/command-desk/journal.ts`],
  keys: [],
  blob: [`${room}/desired-state/blob-fetcher.ts`],
};

/** One message of the gateway's management each. */
export const orderRuns: readonly FuzzRun[] = orderKinds.map((kind) => ({
  name: `gateway, ${kind} as it comes`,
  files: [...way, ...own[kind]],
  run: async (options) => {
    const { failure, ran, generation, journaled, stateEntries } = await fuzzOrders(kind, options);
    if (failure !== undefined) throw new Error("a unit ended", { cause: failure });
    if (ran + generation + journaled > 0) throw new Error("accepted");
    if (stateEntries > 4) throw new Error(`the state grows: ${stateEntries} entries`);
    return { inputs: options.inputs, refused: options.inputs, understood: 0 };
  },
}));
