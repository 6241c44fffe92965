import { type ErrorCode, GatewayError } from "#model/errors.ts";
import { pdu } from "./answer.ts";
import { dottedOid } from "./oid.ts";
import { readVarbind, varbindSpan } from "./values.ts";

/** What a Report says, by the counter it carries (RFC 3414 5, RFC 3412 5). */
export type ReportKind =
  | "unsupportedSecLevels"
  | "notInTimeWindows"
  | "unknownUserNames"
  | "unknownEngineIds"
  | "wrongDigests"
  | "decryptionErrors"
  | "unknownContexts"
  | "other";

const kinds: Readonly<Record<string, ReportKind>> = {
  "1.3.6.1.6.3.15.1.1.1.0": "unsupportedSecLevels",
  "1.3.6.1.6.3.15.1.1.2.0": "notInTimeWindows",
  "1.3.6.1.6.3.15.1.1.3.0": "unknownUserNames",
  "1.3.6.1.6.3.15.1.1.4.0": "unknownEngineIds",
  "1.3.6.1.6.3.15.1.1.5.0": "wrongDigests",
  "1.3.6.1.6.3.15.1.1.6.0": "decryptionErrors",
  "1.3.6.1.6.3.12.1.4.0": "unknownContexts",
  "1.3.6.1.6.3.12.1.5.0": "unknownContexts",
};

/** Kind of the Report in `pdu`. */
export function reportKind(bytes: Uint8Array): ReportKind {
  if (!readVarbind(bytes, pdu.varbindsStart, pdu.varbindsEnd)) return "other";
  return kinds[dottedOid(bytes, varbindSpan.nameStart, varbindSpan.nameEnd)] ?? "other";
}

const refusals: Partial<Record<ReportKind, readonly [ErrorCode, string]>> = {
  unsupportedSecLevels: ["driver.auth", "the agent knows the user, but not with this security level (authentication, privacy)"],
  unknownUserNames: ["driver.auth", "the agent does not know the user name"],
  wrongDigests: ["driver.auth", "the agent refuses the authentication: the authentication key or protocol is not the user's"],
  decryptionErrors: ["driver.auth", "the agent cannot decrypt the request: the privacy key or protocol is not the user's"],
  unknownContexts: ["driver.refused", "the agent does not know the context name"],
};

export function reportRefusal(kind: ReportKind): GatewayError {
  const [code, message] = refusals[kind] ?? ["driver.bad-answer", "the agent answers with a Report of an unexpected kind"];
  return new GatewayError(code, { message });
}
