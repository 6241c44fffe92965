/** Reason codes that MQTT 5 section 3.4.2.1 lists for PUBACK, and the library's parser accepts. */
const listedCodes: ReadonlySet<number> = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
const unspecifiedError = 0x80;
const pubackHeader = 0x40;

/** PUBACK with success, but no subscription matched: the message is gone. */
export const noMatchingSubscribers = 0x10;

export interface Puback {
  /** As the broker sent it; a short packet means success. */
  readonly reasonCode: number;
  /** What the library may see. */
  readonly packet: Buffer;
}

/**
 * Reads a PUBACK (section 3.4); undefined for every other packet. Brokers send codes there that the standard does not list: mosquitto says
 * 0x95 (packet too large) beyond its message_size_limit. The library's parser then gives up the connection, and the same chunk would meet it
 * again for ever; so it gets a code that passes.
 */
export function readPuback(packet: Buffer): Puback | undefined {
  if (packet[0] !== pubackHeader) return undefined;
  let at = 1;
  while (((packet[at] ?? 0) & 0x80) !== 0) at += 1;
  // Remaining length, then two bytes of packet id.
  at += 3;
  const reasonCode = packet[at] ?? 0;
  if (reasonCode < 0x80 || listedCodes.has(reasonCode)) return { reasonCode, packet };
  const passing = Buffer.from(packet);
  passing[at] = unspecifiedError;
  return { reasonCode, packet: passing };
}
