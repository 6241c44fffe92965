import { type NocFile, validate } from "./generated/noc.ts";
import type { Schema } from "./json-schema.ts";
import { type LoadedDocument, loadDocument, type Report } from "./load-document.ts";
import schema from "./noc.schema.json" with { type: "json" };
import { checkWebhook } from "./notify-rules.ts";
import type { Environment } from "./references.ts";
import { quoted } from "./source.ts";
import { at, itemsOf, textOf } from "./untyped.ts";

/** JSON Schema (draft 2020-12) of noc.yaml. */
export const nocSchema: Schema = schema as Schema;

/**
 * Loads noc.yaml, the configuration of the NOC's end.
 * @throws GatewayError config.unreadable
 * @throws ConfigurationError (config.invalid) with everything that is wrong in it
 */
export function loadNocConfiguration(file: string, environment: Environment): LoadedDocument<NocFile> {
  return loadDocument(file, { schema: nocSchema, validate, check }, { environment, follow: true });
}

function check(document: unknown, report: Report): void {
  const places = new Map<string, number>();
  for (const [index, entry] of itemsOf(at(document, "connectors"))) {
    const name = textOf(entry.name);
    const first = name === undefined ? undefined : places.get(name);
    if (name !== undefined && first === undefined) places.set(name, index);
    if (name !== undefined && first !== undefined) {
      report(`/connectors/${index}/name`, `${quoted(name)} is the name of /connectors/${first} already`);
    }
    checkWebhook(entry, `/connectors/${index}`, report);
  }
}
