/** Largest packet we take and announce, bytes (PROTOCOL 3.5). */
export const maxPacketBytes = 262_144;
export const ownReceiveMaximum = 16;
