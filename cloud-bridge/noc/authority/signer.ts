import type { DocumentType } from "../../protocol/envelope.ts";

/** What is signed for gateways while the NOC runs. */
export type SignedType = Extract<DocumentType, "gh-desired+jws" | "gh-cmd+jws" | "gh-tech+jws">;

/** Whoever holds the signing keys: their folder in this process (`SigningKeys`), or a process of its own behind a socket (`RemoteSigner`). */
export interface Signer {
  /** Of the key document; grows with each rotation. */
  readonly version: number;
  readonly epoch: number;
  /** The root's public key as JSON Web Key. */
  readonly rootPublic: string;
  /** For people: ids and roles. */
  readonly list: readonly { readonly kid: string; readonly role: string }[];
  /** @returns compact JWS. @throws GatewayError noc.denied when it may not be signed, noc.store, noc.unreachable */
  sign(type: SignedType, payload: Uint8Array): Promise<string>;
  /** The key document of a tenant. @throws GatewayError noc.denied when the root is in the safe */
  document(tenant: string): Promise<string>;
  /** Looks whether somebody else rotated the keys (`noc signer rotate`); afterwards `version` is of the present ones. @throws GatewayError noc.store, noc.unreachable */
  refresh(): Promise<void>;
  /** Other working keys. @throws GatewayError noc.denied where it is not for the asker to decide */
  rotate(newEpoch: boolean): Promise<void>;
}
