import type { ChunkRow, DictionaryRow } from "./rows.ts";

/** Chunks of one gateway that wait for one dictionary. */
export interface DictionaryWait {
  readonly gatewayRef: number;
  readonly tenant: string;
  readonly gateway: string;
  readonly revision: number;
  readonly chunks: number;
}

export interface ParkedChunk {
  readonly stream: string;
  readonly chunk: ChunkRow;
}

/** Writes and reads around what is stored but cannot be applied yet. */
export interface WaitingWrites {
  /** Parked chunks of the gateway that wait for this become pending again. */
  unpark(gatewayRef: number, what: { readonly revision: number } | { readonly bootId: string }): Promise<void>;
  /** Who waits for which dictionary, longest waiting first. Chunks that wait for the time of their boot are not among them. */
  dictionaryWaits(limit: number): Promise<readonly DictionaryWait[]>;
  /** Parked chunks behind one entry of `dictionaryWaits` with the name of their stream, by (stream, seq). */
  parkedFor(wait: Pick<DictionaryWait, "gatewayRef" | "revision">, limit: number): Promise<readonly ParkedChunk[]>;
  /** The newest dictionary up to this revision within the same run of the gateway, whatever its stream. */
  priorDictionary(gatewayRef: number, revision: number): Promise<DictionaryRow | undefined>;
  /** Gateways with this alarm open and unchanged since `beforeMs`. */
  quietAlarms(key: string, beforeMs: number, limit: number): Promise<readonly { readonly tenant: string; readonly gateway: string }[]>;
}
