import { createHash } from "node:crypto";
import { countStart } from "../../../runtime/northbound/desired-state/memory.ts";
import { CutDocuments, CutState, Power, PowerCut, StepOwner } from "./cut-world.ts";
import { manifest, type NocPens, nocPens } from "./noc-pen.ts";
import { Stand, type StandParts } from "./stand.ts";

const noc: NocPens = await nocPens();

/** A document that travels in its manifest. */
export function inline(k: string, id: string, content: object, over: object = {}): object {
  const text = JSON.stringify(content);
  return {
    k,
    id,
    rev: 1,
    sha256: createHash("sha256").update(text).digest("hex"),
    size: text.length,
    enc: "json",
    inline: content,
    ...over,
  };
}

/** One gateway over all its lives: what is durable stays, everything else is made anew. */
export class Box {
  readonly state = new CutState();
  readonly documents = new CutDocuments();
  readonly #parts: Partial<StandParts>;
  stand: Stand;

  constructor(parts: Partial<StandParts> = {}) {
    this.#parts = parts;
    this.stand = this.#make();
  }

  #make(): Stand {
    const owners = [new StepOwner("config", this.state), new StepOwner("services", this.state)];
    return new Stand({ trust: noc.trust, state: this.state, documents: this.documents, owners, ...this.#parts });
  }

  /** From now on steps are counted; at `cutAt` the power goes. */
  arm(cutAt: number, after: boolean): Power {
    const power = new Power();
    power.cutAt = cutAt;
    power.after = after;
    this.state.power = power;
    this.documents.power = power;
    return power;
  }

  async restart(parts: Partial<StandParts> = {}): Promise<void> {
    this.arm(Number.POSITIVE_INFINITY, false);
    await this.stand.stop();
    Object.assign(this.#parts, parts);
    countStart(this.state);
    this.stand = this.#make().start();
  }

  async wants(gen: number, docs: readonly object[], over: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const document = await noc.desired.sign("gh-desired+jws", manifest(gen, this.stand.nowS, docs, over));
    // What the disk refuses stays at the broker.
    await this.stand.deliver("des", document).catch((error: unknown) => {
      if (!(error instanceof PowerCut)) throw error;
    });
  }
}

export const old = [inline("config", "config", { a: 1 }), inline("services", "services", { s: ["one"] })];
export const next = [
  inline("config", "config", { a: 2 }),
  inline("services", "services", { s: ["one", "two"] }),
  inline("services", "more", { m: 1 }),
];

/** A gateway on which `old` is confirmed as generation 1. */
export async function settled(parts: Partial<StandParts> = {}): Promise<Box> {
  const box = new Box(parts);
  box.stand.start();
  await box.wants(1, old);
  await box.stand.pass(10_000);
  return box;
}
