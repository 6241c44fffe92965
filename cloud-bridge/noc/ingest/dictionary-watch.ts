import type { DictionaryWait } from "../store/waiting.ts";
import { bury } from "./bury.ts";
import type { Drafts, GatewayDraft } from "./drafts.ts";
import type { IngestLimits } from "./limits.ts";
import { RecentlyUsed } from "./memories.ts";
import { clearUndecodable, raiseUndecodable, undecodableKey } from "./undecodable-alarm.ts";

interface Asked {
  readonly times: number;
  readonly atMs: number;
}

/** Looked at in one transaction. */
const maxWaits = 256;
const maxBuried = 256;
/** Counts of requests kept; one that is forgotten is counted anew, which only makes its chunks wait longer. */
const maxRemembered = 1_000;
/** An alarm ends after so long without a further chunk. */
const quietMs = 86_400_000;
const lookForQuietMs = 3_600_000;

/**
 * Chunks whose dictionary is not here. It is asked for again and again, since an acknowledgement may be lost; then people are told; and a chunk that
 * cannot be read in the end becomes a dead letter. Nothing else waits for it meanwhile: the chunks behind it are applied without it.
 */
export class DictionaryWatch {
  readonly #limits: Pick<IngestLimits, "dictionaryAskMs" | "dictionaryAlarmAsks" | "dictionarySlowAskMs" | "dictionaryMaxAsks">;
  readonly #asked = new RecentlyUsed<string, Asked>(maxRemembered);
  #lookedMs = Number.NEGATIVE_INFINITY;
  #lookedForQuietMs = Number.NEGATIVE_INFINITY;
  #waits = false;

  constructor(limits: IngestLimits) {
    this.#limits = limits;
  }

  /** Whether some chunk waited for its dictionary at the last look. */
  get waits(): boolean {
    return this.#waits;
  }

  /** What is to be asked for is in the gateways' drafts afterwards. */
  async look(drafts: Drafts): Promise<void> {
    const { nowMs } = drafts;
    // A clock that was set back begins anew.
    if (nowMs >= this.#lookedMs && nowMs - this.#lookedMs < this.#limits.dictionaryAskMs / 2) return;
    this.#lookedMs = nowMs;
    const waits = await drafts.tx.waiting.dictionaryWaits(maxWaits);
    this.#waits = waits.length > 0;
    for (const wait of waits) {
      const gateway = await drafts.gateway(wait.tenant, wait.gateway);
      if (gateway?.row.online === true) await this.#ask(drafts, gateway, wait);
    }
    await this.#endQuiet(drafts);
  }

  async #ask(drafts: Drafts, gateway: GatewayDraft, wait: DictionaryWait): Promise<void> {
    const { dictionaryAskMs, dictionaryAlarmAsks, dictionarySlowAskMs, dictionaryMaxAsks } = this.#limits;
    const key = `${wait.gatewayRef}/${wait.revision}`;
    const { times, atMs } = this.#asked.get(key) ?? { times: 0, atMs: Number.NEGATIVE_INFINITY };
    const pauseMs = times <= dictionaryAlarmAsks ? dictionaryAskMs : dictionarySlowAskMs;
    if (drafts.nowMs >= atMs && drafts.nowMs - atMs < pauseMs) return;
    this.#asked.set(key, { times: times + 1, atMs: drafts.nowMs });
    if (times >= dictionaryMaxAsks) {
      const buried = await this.#bury(drafts, gateway, wait);
      // There may be more of them: at the next look.
      if (buried === maxBuried) this.#asked.set(key, { times: times + 1, atMs: Number.NEGATIVE_INFINITY });
      return raiseUndecodable(drafts, gateway, { revision: wait.revision, waiting: wait.chunks - buried, buried });
    }
    gateway.needed.add(wait.revision);
    if (times === dictionaryAlarmAsks)
      await raiseUndecodable(drafts, gateway, { revision: wait.revision, waiting: wait.chunks, buried: 0 });
  }

  async #bury(drafts: Drafts, gateway: GatewayDraft, wait: DictionaryWait): Promise<number> {
    let buried = 0;
    for (const { stream: id, chunk } of await drafts.tx.waiting.parkedFor(wait, maxBuried)) {
      const stream = await drafts.stream(gateway, id);
      if (stream === undefined) continue;
      await bury(drafts, stream, chunk, "dictionary-missing");
      buried += 1;
    }
    return buried;
  }

  async #endQuiet(drafts: Drafts): Promise<void> {
    const { nowMs } = drafts;
    if (nowMs >= this.#lookedForQuietMs && nowMs - this.#lookedForQuietMs < lookForQuietMs) return;
    this.#lookedForQuietMs = nowMs;
    for (const { tenant, gateway: id } of await drafts.tx.waiting.quietAlarms(undecodableKey, nowMs - quietMs, 100)) {
      const gateway = await drafts.gateway(tenant, id);
      if (gateway !== undefined) await clearUndecodable(drafts, gateway);
    }
  }
}
