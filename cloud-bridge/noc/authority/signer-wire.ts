import { GatewayError } from "#model/errors.ts";
import type { SignedType } from "./signer.ts";

/** One line of JSON each way, one request per connection. */
export type SignerRequest =
  | { readonly op: "facts" }
  | { readonly op: "sign"; readonly type: SignedType; readonly payload: string }
  | { readonly op: "document"; readonly tenant: string };

export interface SignerFacts {
  readonly version: number;
  readonly epoch: number;
  readonly root: string;
  readonly keys: readonly { readonly kid: string; readonly role: string }[];
}

export type SignerAnswer =
  | { readonly ok: true; readonly facts: SignerFacts; readonly jws?: string }
  | { readonly ok: false; readonly code: "noc.denied" | "noc.invalid" | "noc.store"; readonly message: string };

/** A manifest of 64 KiB in base64, with room. */
export const maxLineBytes = 131_072;
const types: readonly string[] = ["gh-desired+jws", "gh-cmd+jws", "gh-tech+jws"] satisfies readonly SignedType[];
const tenantPattern = /^[a-z0-9-]{1,40}$/;
const base64Pattern = /^[A-Za-z0-9+/]+={0,2}$/;

/** @throws GatewayError noc.invalid */
export function parseRequest(line: string): SignerRequest {
  const value = jsonOf(line);
  const { op, type, payload, tenant } = value;
  if (op === "facts") return { op };
  if (op === "document" && typeof tenant === "string" && tenantPattern.test(tenant)) return { op, tenant };
  if (op === "sign" && typeof type === "string" && types.includes(type) && typeof payload === "string" && base64Pattern.test(payload))
    return { op, type: type as SignedType, payload };
  throw new GatewayError("noc.invalid", { message: "not a request to the signer" });
}

/** @throws GatewayError noc.invalid */
export function parseAnswer(line: string): SignerAnswer {
  const value = jsonOf(line);
  // The other end is this program, in a process of its own.
  if (typeof value["ok"] === "boolean") return value as unknown as SignerAnswer;
  throw new GatewayError("noc.invalid", { message: "not an answer of the signer" });
}

function jsonOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new GatewayError("noc.invalid", { message: "what came over the signer's socket is no JSON", cause });
  }
  throw new GatewayError("noc.invalid", { message: "what came over the signer's socket is no object" });
}
