import type { Schema } from "./json-schema.ts";
import { ConfigurationError, type Problem } from "./problem.ts";
import { type ReferenceOptions, redacted, resolveReferences } from "./references.ts";
import { readSource, type Source } from "./source.ts";
import { problemsOf, type Violation } from "./violations.ts";

/** A generated validator (`generated/NAME.ts`): fills in defaults, lists what is wrong. */
export interface Validator<T> {
  (data: unknown): data is T;
  errors?: readonly Violation[] | null;
}

export type Report = (pointer: string, sentence: string, severity?: Problem["severity"]) => void;

/** A kind of configuration file: its schema and what the schema cannot say. */
export interface DocumentKind<T> {
  readonly schema: Schema;
  readonly validate: Validator<T>;
  /**
   * Rules across keys. Called even when the schema was broken, so that everything is said at once: it looks at nothing that it did not
   * check the type of. Secrets are resolved (Secret), defaults filled in where that was possible.
   */
  readonly check: (document: unknown, report: Report, source: Source) => void;
}

/** A configuration that may be used. */
export interface LoadedDocument<T> {
  readonly file: string;
  /** Valid, defaults filled in, references followed, deeply frozen. */
  readonly value: T;
  /** The same for people: secrets redacted, references as written. Deeply frozen. */
  readonly shown: unknown;
  readonly warnings: readonly Problem[];
}

/**
 * parse -> validate -> follow references -> check -> freeze. Everything that is wrong is reported at once.
 * @throws GatewayError config.unreadable
 * @throws ConfigurationError (config.invalid)
 */
export function loadDocument<T>(
  file: string,
  kind: DocumentKind<T>,
  references: ReferenceOptions,
  overlaid: (own: unknown) => unknown = (own) => own,
): LoadedDocument<T> {
  const read = readSource(file);
  const source: Source = { ...read, value: overlaid(read.value) };
  // The validator writes defaults into what it is given; places are looked up in the document as written.
  const document = structuredClone(source.value);
  const valid = kind.validate(document);
  const problems = valid ? [] : [...problemsOf(kind.validate.errors ?? [], kind.schema, source)];
  const resolved = resolveReferences(document, kind.schema, source, references);
  problems.push(...resolved.problems);
  const report: Report = (pointer, sentence, severity = "error") => {
    problems.push({ severity, file, ...source.locate(pointer, "value"), pointer, sentence });
  };
  kind.check(resolved.value, report, source);
  if (problems.some((problem) => problem.severity === "error")) throw new ConfigurationError(file, inOrder(problems));
  // The validator accepted it; its generated type describes the document after references were followed.
  return { file, value: deepFreeze(resolved.value as T), shown: deepFreeze(redacted(document, kind.schema)), warnings: inOrder(problems) };
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const key = (problem: Problem) => `${problem.line}:${problem.column}:${problem.pointer}:${problem.sentence}`;
  const unique = new Map(problems.map((problem) => [key(problem), problem]));
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

function deepFreeze<V>(value: V): V {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const entry of Object.values(value)) deepFreeze(entry);
  return value;
}
