/** Kinds of document a desired-state manifest may name (PROTOCOL 4.1). `template` = a service template that the catalogue on the gateway lacks. */
export type DocumentKind = "config" | "services" | "template" | "flow" | "sla" | "keys" | "firmware" | "cred";

/** One content-addressed document of a generation: verified, fetched, decoded, not yet checked for sense. */
export interface DesiredDocument {
  readonly kind: DocumentKind;
  /** Unique in its generation: `config`, `services`, `flow.wan-probe`. */
  readonly id: string;
  readonly rev: number | string;
  /** Of the decoded bytes, 64 hex digits. */
  readonly sha256: string;
  /** Parsed JSON. Depth at most 64, size at most 4 MiB, no `__proto__` anywhere: whoever decodes it sees to that. */
  readonly content: unknown;
}

/** One thing wrong with a document. */
export interface DocumentProblem {
  readonly document: string;
  /** `E_SCHEMA`, `E_UNKNOWN_TYPE`, `E_NAMESPACE`, ... stable, for machines. */
  readonly code: string;
  /** JSON pointer into the content; "" = the whole. */
  readonly path: string;
  /** What is wrong and what to do, for people. No secrets. */
  readonly message: string;
}

/** What became of one document (goes into `rep`). */
export interface DocumentOutcome {
  readonly document: string;
  readonly status: "applied" | "unchanged" | "rolled-back" | "failed" | "unsupported" | "quarantined";
  readonly problem?: DocumentProblem;
  /** Milliseconds from the start of applying to this outcome. */
  readonly tookMs: number;
}
