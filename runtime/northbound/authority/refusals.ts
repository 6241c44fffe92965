import { GatewayError } from "#model/errors.ts";

/** Why an order was refused. Our own words, so that counters are bounded and nothing of a peer's text gets into a log. */
export const refusalReasons = [
  "no key is pinned",
  "not a compact JWS",
  "too long",
  "header parameter",
  "header",
  "type",
  "key",
  "algorithm",
  "signature",
  "audience",
  "tenant",
  "issuer",
  "payload",
  "schema",
  "not yet valid",
  "expired",
  "epoch",
  "generation",
  "other content of a known generation",
  "key document version",
  "nonce",
  "replay",
  "journal full",
  "staging",
  "unreadable piece",
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** Sentences of the envelope, as reasons. */
const bySentence: Readonly<Record<string, RefusalReason>> = {
  "not a compact JWS": "not a compact JWS",
  "the header is not JSON": "header",
  "a header parameter that is not allowed": "header parameter",
  "the type is another": "type",
  "the key is not pinned for this purpose": "key",
  "the algorithm is not the key's": "algorithm",
  "the signature is not valid": "signature",
  "the payload is not an object": "payload",
  "the payload is not UTF-8": "payload",
  "it is for another gateway": "audience",
  "it is for another tenant": "tenant",
  "it is from another issuer": "issuer",
};

export function refusal(reason: RefusalReason, detail?: string): GatewayError {
  return new GatewayError("codec.signature", {
    message: `refused: ${reason}${detail === undefined ? "" : ` (${detail})`}`,
    fields: { refused: reason },
  });
}

/** The reason an error of the envelope or the parsers stands for. */
export function reasonOf(error: GatewayError): RefusalReason {
  const { refused, reason } = error.fields;
  const own = refusalReasons.find((one) => one === refused);
  if (own !== undefined) return own;
  if (error.code === "codec.limit") return "too long";
  if (error.code === "codec.malformed") return "schema";
  return (typeof reason === "string" ? bySentence[reason] : undefined) ?? "payload";
}

/** Counts refusals by reason; a log line at the first of each kind and then each time the count doubles. */
export class RefusalCounter {
  readonly #counts = new Map<RefusalReason, number>();
  #last: { readonly reason: RefusalReason; readonly leaf: string; readonly atMs: number } | undefined;

  /** @returns how often this reason has occurred */
  add(reason: RefusalReason, leaf: string, atMs: number): number {
    const count = (this.#counts.get(reason) ?? 0) + 1;
    this.#counts.set(reason, count);
    this.#last = { reason, leaf, atMs };
    return count;
  }

  get total(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  get byReason(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  get last(): { readonly reason: string; readonly leaf: string; readonly atMs: number } | undefined {
    return this.#last;
  }
}
