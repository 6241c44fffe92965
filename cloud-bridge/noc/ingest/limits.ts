import { maxGatewaySeries } from "../../protocol/codec/series-limit.ts";

/** Every bound of the NOC's ingest, and what happens at it. */
export interface IngestLimits {
  /** Messages handed over by the broker and not yet committed. MQTT's Receive Maximum; a broker that sends more is disconnected. */
  readonly receiveMaximum: number;
  /** Messages in one transaction. */
  readonly batchMessages: number;
  /** Largest message; the broker is told, and bigger ones are refused before they are parsed. */
  readonly maxMessageBytes: number;
  /** Gateways the NOC gets to know; further ones are refused and counted. */
  readonly maxGateways: number;
  /** Streams of one gateway; chunks of further ones are refused and not acknowledged. */
  readonly maxStreams: number;
  /** Separate received ranges of one stream; chunks that would open one more are refused and not acknowledged: the gateway sends holes first. */
  readonly maxRanges: number;
  /** Places of series in groups of one gateway; dictionaries beyond are dead letters. */
  readonly maxSeries: number;
  /** Equipment, and alarm keys, of one gateway; further ones are left out and counted. */
  readonly maxEquipment: number;
  readonly maxAlarms: number;
  /** A chunk waits this long for its predecessor, then it is shown without it. */
  readonly patienceMs: number;
  /** The same while the gateway is offline: it cannot fill the hole, and what is shown is old anyway. */
  readonly patienceOfflineMs: number;
  /** A dictionary that is not here is asked for so often, while its gateway is online; */
  readonly dictionaryAskMs: number;
  /** after so many requests people are told, */
  readonly dictionaryAlarmAsks: number;
  /** from then on it is asked for only so often, */
  readonly dictionarySlowAskMs: number;
  /** and after so many in all the chunks that need it become dead letters. */
  readonly dictionaryMaxAsks: number;
  /** Chunks applied in one transaction; the rest follows in the next. */
  readonly appliesPerTransaction: number;
  /** Streams whose decoding memory is kept; the least used is forgotten and rebuilt from its last key frame. */
  readonly maxMemories: number;
  /** Chunks replayed at most to rebuild a memory: more than one key-frame period at one interval a chunk. */
  readonly maxReplay: number;
}

export const defaultIngestLimits: IngestLimits = {
  receiveMaximum: 256,
  batchMessages: 128,
  maxMessageBytes: 262_144,
  maxGateways: 10_000,
  maxStreams: 1_024,
  maxRanges: 1_024,
  maxSeries: maxGatewaySeries,
  maxEquipment: 5_000,
  maxAlarms: 10_000,
  patienceMs: 20_000,
  patienceOfflineMs: 600_000,
  dictionaryAskMs: 60_000,
  dictionaryAlarmAsks: 5,
  dictionarySlowAskMs: 3_600_000,
  dictionaryMaxAsks: 29,
  appliesPerTransaction: 256,
  maxMemories: 1_000,
  maxReplay: 1_500,
};

/** What the NOC grants every gateway in its acks. */
export interface IngestGrants {
  readonly liveWindow: number;
  readonly backlogWindow: number;
  /** null = unlimited. */
  readonly backlogChunksPerSecond: number | null;
}

export const defaultGrants: IngestGrants = { liveWindow: 64, backlogWindow: 64, backlogChunksPerSecond: null };
