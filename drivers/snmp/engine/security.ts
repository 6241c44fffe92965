import type { GatewayError } from "#model/errors.ts";
import type { Exchange } from "./exchange.ts";
import type { PduSpec, PreparedRequest } from "./request.ts";

/**
 * What opening a datagram came to. `accept`: `pdu` and `opened` hold the Response. `forged`: it does not belong to the request; wait on.
 * `malformed`: it does, but cannot be read. `resend`: the state was corrected by a Report; send again. `stale`: prepare anew. `fail`: see `failure`.
 */
export type Opened = "accept" | "forged" | "malformed" | "resend" | "stale" | "fail";

/** Where the plaintext of the message opened last lies. Overwritten by each `open`. */
export const opened: { bytes: Uint8Array } = { bytes: new Uint8Array(0) };

/** Message security of one session: communities or USM. */
export interface Security {
  /** 0 = v1, 1 = v2c, 3 = v3. */
  readonly version: 0 | 1 | 3;
  /** Grows when prepared requests become stale. */
  readonly revision: number;
  /** Bytes that an answer carries around its varbinds, at most. */
  readonly overheadBytes: number;
  /** Equal for all sessions whose prepared requests are the same bytes; undefined = they are this session's only. */
  readonly sharedBy: string | undefined;
  prepare(spec: PduSpec): PreparedRequest;
  /** The datagram of one attempt. It stays unchanged until the same request is sealed again. */
  seal(request: PreparedRequest, messageId: number, requestId: number, nowMs: number): Uint8Array;
  /** Checks and opens what `head` describes. @param requestId that must stand in the PDU, given the attempt that was answered */
  open(bytes: Buffer, exchange: Exchange, requestId: number, nowMs: number): Opened;
  /** After `fail`. */
  failure(): GatewayError;
}
