import { GatewayError } from "#model/errors.ts";
import { head, pdu, readPdu } from "./answer.ts";
import { tags } from "./ber.ts";
import type { Exchange } from "./exchange.ts";
import { sameBytes } from "./oid.ts";
import { type PduSpec, type PreparedRequest, patchId, prepareCommunityRequest } from "./request.ts";
import { type Opened, opened, type Security } from "./security.ts";

/** v1 and v2c. */
export class CommunitySecurity implements Security {
  readonly version: 0 | 1;
  readonly revision = 0;
  readonly overheadBytes: number;
  readonly sharedBy: string;
  readonly #community: Uint8Array;

  constructor(version: "1" | "2c", community: string) {
    this.version = version === "1" ? 0 : 1;
    this.#community = new TextEncoder().encode(community);
    this.sharedBy = `${version} ${community}`;
    this.overheadBytes = 36 + this.#community.length;
  }

  prepare(spec: PduSpec): PreparedRequest {
    return prepareCommunityRequest(this.version, this.#community, spec);
  }

  seal(request: PreparedRequest, _messageId: number, requestId: number): Uint8Array {
    patchId(request.bytes, request.idAt, requestId);
    return request.bytes;
  }

  open(bytes: Uint8Array, _exchange: Exchange, requestId: number): Opened {
    if (head.version !== this.version || !sameBytes(bytes, head.credentialStart, head.credentialEnd, this.#community)) return "forged";
    opened.bytes = bytes;
    if (!readPdu(bytes, head.dataStart, head.dataEnd) || pdu.requestId !== requestId) return "malformed";
    // Reports exist in v3 only; nothing but a Response answers a request.
    return pdu.type === tags.response ? "accept" : "malformed";
  }

  failure(): GatewayError {
    return new GatewayError("driver.auth");
  }
}
