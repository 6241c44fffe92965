/** One thing wrong with a template, an instance or a flow: what, where, what to do. Codes are stable. */
export interface Problem {
  readonly code: ProblemCode;
  /** JSON pointer into the document. */
  readonly path: string;
  readonly message: string;
}

export type ProblemCode =
  | "E_SCHEMA"
  | "E_PARAMETER"
  | "E_UNKNOWN_TEMPLATE"
  | "E_UNKNOWN_EQUIPMENT"
  | "E_UNKNOWN_CHECK"
  | "E_DUPLICATE_ID"
  | "E_ID"
  | "E_UNKNOWN_TYPE"
  | "E_FORBIDDEN_TYPE"
  | "E_LISTENS"
  | "E_LIBRARY"
  | "E_NAMESPACE"
  | "E_DANGLING"
  | "E_SYNTAX"
  | "E_SANDBOX"
  | "E_TOO_LARGE"
  | "E_TOO_DEEP"
  | "E_PROTO"
  | "E_LIMIT"
  | "E_INTERVAL"
  | "E_CAPABILITY"
  | "E_CREDENTIALS";

export const maxProblems = 50;

/** Escapes one part of a JSON pointer (RFC 6901). */
export function pointerPart(part: string | number): string {
  return String(part).replaceAll("~", "~0").replaceAll("/", "~1");
}
