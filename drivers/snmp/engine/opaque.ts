import { unsigned64Value } from "./ber.ts";

/** Numbers wrapped in Opaque by Net-SNMP (float, double, counter64, int64, uint64), and BER REAL in decimal form (ISO 6093). NaN otherwise. */
export function opaqueNumber(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  if (length >= 3 && view.getUint8(0) === 0x9f && view.getUint8(2) === length - 3) {
    const kind = view.getUint8(1);
    if (kind === 0x78 && length === 7) return view.getFloat32(3);
    if (kind === 0x79 && length === 11) return view.getFloat64(3);
    if (kind === 0x76 || kind === 0x7b) return Number(unsigned64Value(bytes, start + 3, end) ?? Number.NaN);
    if (kind === 0x7a && length > 3 && length <= 11) return Number(BigInt.asIntN(64, unsigned64Value(bytes, start + 3, end) ?? 0n));
  }
  if (length > 3 && view.getUint8(0) === 0x09 && view.getUint8(1) === length - 2 && view.getUint8(2) <= 3) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start + 3, length - 3)
      .toString("latin1")
      .trim();
    return /^[-+]?\d*\.?\d+(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  }
  return Number.NaN;
}
