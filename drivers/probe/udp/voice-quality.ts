/**
 * How a call would sound: the E-model, ITU-T G.107 (06/2015), with its default values for everything that a network check does not see.
 */

/** Ro - Is with all of G.107's defaults (table 3): R = 93.2 without delay, codec or loss. */
const undisturbed = 93.2;

/**
 * Codecs with their equipment impairment Ie and packet-loss robustness Bpl (ITU-T G.113 (11/2007), appendix I, tables I.1 and I.4), 20 ms of
 * speech in a packet; `delayMs` = packetisation plus look-ahead.
 */
export const voiceCodecs = {
  g711: { ie: 0, bpl: 4.3, delayMs: 20 },
  "g711-plc": { ie: 0, bpl: 25.1, delayMs: 20 },
  g729a: { ie: 11, bpl: 19, delayMs: 25 },
} as const;
export type VoiceCodec = keyof typeof voiceCodecs;

export interface VoicePath {
  readonly codec: VoiceCodec;
  /** One way through the network. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** 0..100. */
  readonly lossPercent: number;
  /** 1 = random loss. */
  readonly burstRatio: number;
}

export interface VoiceQuality {
  /** 0..100; above 80 most users are satisfied, below 60 nearly none (G.109). */
  readonly rFactor: number;
  /** Estimated mean opinion score, 1..4.5. */
  readonly mos: number;
}

/** What a receiver's buffer adds to the delay so that the jitter is not heard: twice the jitter, the usual rule of adaptive buffers. */
const bufferPerJitter = 2;

/** R = (Ro - Is) - Id - Ie,eff with A = 0 (no advantage for a leased line), and the MOS it stands for (G.107 annex B). */
export function voiceQuality(path: VoicePath): VoiceQuality {
  const codec = voiceCodecs[path.codec];
  const absoluteDelayMs = path.delayMs + bufferPerJitter * path.jitterMs + codec.delayMs;
  const rFactor = Math.min(100, Math.max(0, undisturbed - delayImpairment(absoluteDelayMs) - effectiveImpairment(codec, path)));
  return { rFactor, mos: mosOf(rFactor) };
}

/**
 * Id without echo (perfect cancellers), that is Idd of G.107 7.4: zero up to 100 ms, then
 * 25 {(1 + X^6)^(1/6) - 3 (1 + (X/3)^6)^(1/6) + 2} with X = log2(Ta / 100).
 */
export function delayImpairment(absoluteDelayMs: number): number {
  if (absoluteDelayMs <= 100) return 0;
  const x = Math.log2(absoluteDelayMs / 100);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}

/** Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), G.107 7.5. */
function effectiveImpairment(codec: { readonly ie: number; readonly bpl: number }, path: VoicePath): number {
  if (path.lossPercent === 0) return codec.ie;
  return codec.ie + ((95 - codec.ie) * path.lossPercent) / (path.lossPercent / path.burstRatio + codec.bpl);
}

/** G.107 annex B: 1 + 0.035 R + R (R - 60) (100 - R) 7e-6 between 0 and 100. */
export function mosOf(rFactor: number): number {
  if (rFactor <= 0) return 1;
  if (rFactor >= 100) return 4.5;
  // Below R = 6.5 the polynomial dips under 1.
  return Math.max(1, 1 + 0.035 * rFactor + rFactor * (rFactor - 60) * (100 - rFactor) * 7e-6);
}
