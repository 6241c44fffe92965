import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isGatewayError } from "#model/errors.ts";
import { Secret } from "#model/secret.ts";
import { mapMarked, type Schema } from "./json-schema.ts";
import type { Problem } from "./problem.ts";
import { quoted, readText, type Source } from "./source.ts";

const maxReferencedBytes = 64 * 1024;

/** Environment variables a configuration may refer to. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A document whose `$env` and `$file` references were followed. */
export interface Resolved {
  /** As the document, with a Secret in each secret place and text in each reference place. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

/** Where references lead. */
export interface ReferenceOptions {
  readonly environment: Environment;
  /** false: nothing is looked up (a configuration is checked where its secrets are not); secrets are empty then. */
  readonly follow?: boolean;
  /** Secrets that came sealed to this gateway, opened. */
  readonly opened?: ReadonlyMap<string, Secret>;
}

/** Follows every reference. A clear-text secret is a warning, a missing one an error; what the schema does not allow is left as it is. */
export function resolveReferences(document: unknown, schema: Schema, source: Source, options: ReferenceOptions): Resolved {
  const problems: Problem[] = [];
  const value = mapMarked(document, schema, schema, (marked, pointer, here) => {
    const isSecret = here["x-secret"] === true;
    const report = (severity: Problem["severity"], sentence: string) => {
      problems.push({ severity, file: source.file, ...source.locate(pointer, "value"), pointer, sentence });
    };
    const text = textOf(marked, isSecret, source.file, options, report);
    if (text === undefined) return marked;
    return isSecret ? new Secret(text) : text;
  });
  return { value, problems };
}

type Report = (severity: Problem["severity"], sentence: string) => void;

function textOf(marked: unknown, isSecret: boolean, file: string, options: ReferenceOptions, report: Report): string | undefined {
  if (typeof marked === "string") {
    if (isSecret) report("warning", "a secret in clear text; better { $env: NAME } or { $file: PATH }");
    return marked;
  }
  if (typeof marked !== "object" || marked === null) return undefined;
  if (options.follow === false) return "";
  if ("$env" in marked && typeof marked.$env === "string") return fromEnvironment(marked.$env, options.environment, report);
  if ("$file" in marked && typeof marked.$file === "string") return fromFile(marked.$file, isSecret, file, report);
  if ("$sealed" in marked && typeof marked.$sealed === "string") return fromSealed(marked.$sealed, options, report);
  return undefined;
}

function fromSealed(sealed: string, options: ReferenceOptions, report: Report): string {
  const opened = options.opened?.get(sealed);
  if (opened === undefined)
    report("error", "a sealed secret that cannot be opened here: it is not sealed to this gateway's key, or this gateway has none");
  return opened?.reveal() ?? "";
}

function fromEnvironment(name: string, environment: Environment, report: Report): string {
  const text = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (text === undefined) report("error", `the environment variable ${quoted(name)} is not set`);
  else if (text === "") report("error", `the environment variable ${quoted(name)} is empty`);
  return text ?? "";
}

function fromFile(name: string, isSecret: boolean, configuration: string, report: Report): string {
  const path = resolve(dirname(configuration), name);
  try {
    const text = readText(path, maxReferencedBytes).replace(/\r?\n$/, "");
    if (text === "") report("error", `the file ${quoted(path)} is empty`);
    else if (text.includes("\0")) report("error", `the file ${quoted(path)} is not text`);
    if (isSecret && (statSync(path).mode & 0o004) !== 0)
      report("warning", `every user of this machine may read ${quoted(path)}; chmod o= it`);
    return text;
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    report("error", `the referenced file ${error.message}`);
    return "";
  }
}

/** A copy for people: clear-text secrets replaced, references kept (they are names, not secrets). */
export function redacted(document: unknown, schema: Schema): unknown {
  return mapMarked(document, schema, schema, (marked, _pointer, here) =>
    here["x-secret"] === true && typeof marked === "string" ? "[redacted]" : marked,
  );
}
