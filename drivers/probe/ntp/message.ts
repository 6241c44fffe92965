/** Seconds between 1900 (NTP) and 1970 (Unix). */
const unixOffsetS = 2_208_988_800;
const eraS = 2 ** 32;
export const ntpBytes = 48;
/** LI 0, version 4, mode 3 (client). */
const clientHeader = 0x23;

export interface NtpAnswer {
  /** Leap indicator; 3 = the server's clock is not synchronised. */
  readonly leap: number;
  readonly version: number;
  /** 0 = kiss-o'-death: `reference` says why. */
  readonly stratum: number;
  /** Unix ms by the server: when it received, when it sent. */
  readonly receivedMs: number;
  readonly sentMs: number;
  /** Distance to its reference clock, milliseconds. */
  readonly rootDelayMs: number;
  readonly rootDispersionMs: number;
  /** Four characters of a reference clock or of a kiss code, else its upstream's address or hash as hexadecimal digits. */
  readonly reference: string;
}

/** A client's request (RFC 5905 7.3). The transmit time is a random number: it tells nobody our clock, and only our server can give it back. */
export function encodeRequest(nonce: Uint8Array): Buffer {
  const request = Buffer.alloc(ntpBytes);
  request[0] = clientHeader;
  request.set(nonce.subarray(0, 8), 40);
  return request;
}

/** @returns undefined when it is not the answer to this request */
export function decodeResponse(message: Buffer, request: Buffer, aboutMs: number): NtpAnswer | undefined {
  const [header = 0, stratum = 0] = message;
  const isAnswer = message.length >= ntpBytes && (header & 0x07) === 4 && message.subarray(24, 32).equals(request.subarray(40, 48));
  if (!isAnswer) return undefined;
  const reference = message.subarray(12, 16);
  return {
    leap: header >> 6,
    version: (header >> 3) & 0x07,
    stratum,
    receivedMs: timestampMs(message, 32, aboutMs),
    sentMs: timestampMs(message, 40, aboutMs),
    rootDelayMs: (message.readInt32BE(4) / 65_536) * 1_000,
    rootDispersionMs: (message.readUInt32BE(8) / 65_536) * 1_000,
    reference: stratum <= 1 ? reference.toString("latin1").replaceAll(/[^\x21-\x7e]/g, "") : reference.toString("hex"),
  };
}

/** The era nearest to our own clock: timestamps wrap in 2036 (RFC 5905 6). */
function timestampMs(message: Buffer, offset: number, aboutMs: number): number {
  const seconds = message.readUInt32BE(offset) - unixOffsetS;
  const era = Math.round((aboutMs / 1_000 - seconds) / eraS);
  return (seconds + era * eraS) * 1_000 + (message.readUInt32BE(offset + 4) / eraS) * 1_000;
}

/**
 * Offset and delay by the four times of an exchange (RFC 5905 8): sent and returned by the client's clock, received and sent by the server's.
 * A positive offset says that the server's clock is ahead.
 */
export function offsetAndDelay(times: { readonly t1: number; readonly t2: number; readonly t3: number; readonly t4: number }): {
  readonly offsetMs: number;
  readonly delayMs: number;
} {
  const { t1, t2, t3, t4 } = times;
  return { offsetMs: (t2 - t1 + (t3 - t4)) / 2, delayMs: t4 - t1 - (t3 - t2) };
}
