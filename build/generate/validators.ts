import { Ajv2020 } from "ajv/dist/2020.js";
import standaloneCode from "ajv/dist/standalone/index.js";
import formats from "ajv-formats";
import { build } from "esbuild";
import { ownKeywords } from "./json-schema.ts";
import type { SchemaFile } from "./schema-files.ts";
import { banner, typeName } from "./types.ts";

/**
 * The validator of one schema as a module without imports: ajv writes the code, esbuild inlines the few helpers of ajv that it calls.
 * Nothing is compiled when a gateway starts, and nothing needs `eval`.
 * @param siblings schema files of the same folder, which `$ref` may name
 */
export async function validatorOf(file: SchemaFile, siblings: readonly SchemaFile[], root: string): Promise<string> {
  const ajv = new Ajv2020({
    allErrors: true,
    useDefaults: true,
    allowUnionTypes: true,
    strict: true,
    strictRequired: false,
    inlineRefs: false,
    code: { source: true, esm: true },
  });
  formats.default(ajv);
  ajv.addVocabulary([...ownKeywords]);
  for (const sibling of siblings) if (sibling.path !== file.path) ajv.addSchema(sibling.schema, idOf(sibling));
  ajv.addSchema(file.schema, idOf(file));
  const validate = ajv.getSchema(idOf(file));
  if (validate === undefined) throw new Error(`${file.path}: the schema does not compile`);
  const code = (standaloneCode as unknown as { default: (ajv: Ajv2020, validate: unknown) => string }).default(ajv, validate);
  const bundled = await build({
    stdin: { contents: code, resolveDir: root, loader: "js", sourcefile: `${file.name}.validate.js` },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node26",
    write: false,
    treeShaking: true,
    legalComments: "inline",
    logLevel: "silent",
  });
  return `${banner}\n${bundled.outputFiles[0]?.text ?? ""}`;
}

/** Types of the module that `validatorOf` wrote. */
export function validatorTypesOf(file: SchemaFile): string {
  const type = typeName(file);
  return `${banner}
import type { ${type} } from "./${file.name}.ts";

/** One thing that is wrong, as ajv says it. */
export interface SchemaViolation {
  readonly keyword: string;
  /** JSON pointer into the document. */
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** Fills in defaults; on false, \`errors\` lists everything that is wrong (until the next call). */
export declare const validate: {
  (data: unknown): data is ${type};
  errors?: readonly SchemaViolation[] | null;
};
`;
}

function idOf(file: SchemaFile): string {
  return file.schema.$id ?? `${file.name}.schema.json`;
}
