import { posix } from "node:path";
import type { Metafile } from "esbuild";

/** What every module of the bundle may use: places in the artefact, and modules that are loaded later. */
const head = [
  '"use strict";',
  'const __gatehouseUrl=p=>"file:///snapshot/gatehouse/"+p,__gatehousePath=p=>"/snapshot/gatehouse/"+p,__later=async p=>require(p);',
].join("\n");

const importForm = /(?<=^|[;}\n])import(?:\s*([\w$]+)\s*,?)?(?:\s*\{([^}]*)\})?(?:\s*from)?\s*"([^"]+)";/g;
const exportForm = /(?<=^|[;}\n])export\s*\{([^}]*)\};?\s*$/;
const laterForm = /(?<![\w$.])import\((?=\s*"[^"]+"\))/g;

/**
 * The bundler can share code between files loaded later only as ECMAScript modules, whose bodies V8 never lets go of and for which Node's loader is needed:
 * 1 MB, and 30 ms of a start. Here each becomes a function that Node's `require`, or one of thirty lines, runs once.
 * @param text of one module as esbuild wrote it, without spare white space
 * @param file its name in the artefact (`code/entry.mjs`)
 * @throws when something is in it that would mean something else afterwards: an export that changes later, another number of imports than the bundler made
 */
export function asCommonModule(text: string, file: string, { imports, exports }: Metafile["outputs"][string]): string {
  const required: string[] = [];
  let body = text.replace(/^#!.*\n/, "").replace(importForm, (_, whole: string | undefined, named: string | undefined, from: string) => {
    required.push(requireOf(commonName(from), whole, named));
    return "";
  });
  const wanted = imports.filter(({ kind }) => kind === "import-statement").length;
  if (required.length !== wanted) throw new Error(`${file}: ${wanted} imports, of which ${required.length} were understood`);
  let given: readonly string[] = [];
  body = body.replace(exportForm, (_, names: string) => {
    given = names
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "");
    return "";
  });
  if (given.length !== exports.length) throw new Error(`${file}: ${exports.length} exports, of which ${given.length} were understood`);
  // What is both imported and required is made when its function is called: until then its exports are nothing.
  const late = given.find((one) => one.startsWith("init_") && text.includes(`${one.split(" ")[0]}=__esm(`));
  if (late !== undefined) throw new Error(`${file}: ${late} is called later and changes exports; a module is required and imported`);
  // Parts that are loaded when somebody calls them (later-parts.ts).
  body = body.replace(/__gatehouseNow\(import\(("[^"]+")\)\)/g, (_, from: string) => `require(${commonName(from)})`);
  body = body.replace(laterForm, "__later(").replace(/(?<=__later\(\s*")[^"]+/g, commonName);
  const shown = given.map((one) => one.split(/\s+as\s+/)).map(([own = "", name = own]) => (own === name ? own : `${name}:${own}`));
  return `${[head, ...required, body].join("\n")}\nmodule.exports={${shown.join(",")}};\n`;
}

export const commonName = (name: string): string => name.replace(/\.mjs(?="?$)/, ".cjs");

function requireOf(from: string, whole: string | undefined, named: string | undefined): string {
  const module = `require(${JSON.stringify(from)})`;
  const parts = [whole ?? [], named === undefined ? [] : `{${named.replaceAll(/\s+as\s+/g, ":")}}`].flat();
  // Of Node's own modules the whole is what they export.
  return parts.length === 0 ? `${module};` : parts.map((part) => `const ${part}=${module};`).join("");
}

/** Modules in the order in which they could be loaded one after the other. @throws when some need each other: one of them would see nothing of the other */
export function demandNoCircles({ outputs }: Metafile): void {
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path))
      throw new Error(`modules of the bundle need each other: ${[...above, path].map((one) => posix.basename(one)).join(", ")}`);
    if (done.has(path)) return;
    done.add(path);
    for (const one of outputs[path]?.imports ?? [])
      if (one.kind === "import-statement" && one.external !== true) visit(one.path, [...above, path]);
  };
  for (const path of Object.keys(outputs)) visit(path, []);
}
