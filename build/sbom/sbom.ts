import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readPackage } from "../package/closure.ts";

/** One piece of foreign software in an artefact. */
export interface Component {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Package URL. */
  readonly purl: string;
  /** Where its licence texts are: folder from the root; absent for the runtime's own parts. */
  readonly folder?: string;
}

/** Parts of the runtime that have versions of their own and are looked up by who watches vulnerabilities. */
const runtimeParts = {
  openssl: "Apache-2.0",
  v8: "BSD-3-Clause",
  uv: "MIT",
  zlib: "Zlib",
  undici: "MIT",
  ares: "MIT",
  nghttp2: "MIT",
  sqlite: "blessing",
} as const;

/** Every component, once, by name and version. @param folders of npm packages, from the root */
export function componentsOf(root: string, folders: readonly string[]): readonly Component[] {
  const found = new Map<string, Component>();
  for (const folder of new Set(folders)) {
    const { manifest } = readPackage(root, folder);
    const { name, version } = manifest;
    found.set(`${name}@${version}`, {
      name,
      version,
      licence: licenceOf(manifest),
      purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      folder,
    });
  }
  const node = process.versions.node;
  found.set("node", { name: "node", version: node, licence: "MIT", purl: `pkg:generic/node@${node}`, folder: "node_modules/node" });
  for (const [name, licence] of Object.entries(runtimeParts)) {
    const version = process.versions[name];
    if (version !== undefined) found.set(name, { name, version, licence, purl: `pkg:generic/${name}@${version}` });
  }
  return [...found.values()].sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

function licenceOf(manifest: { readonly license?: unknown; readonly licenses?: unknown }): string {
  const given = manifest.license ?? manifest.licenses;
  if (typeof given === "string") return given;
  const list = Array.isArray(given) ? given : [given];
  const types = list.map((one: unknown) => (typeof one === "object" && one !== null && "type" in one ? String(one.type) : String(one)));
  return types.join(" OR ").replace("undefined", "NOASSERTION");
}

/** What `gatehouse licenses` prints: the list, then each text once with the packages it is of. */
export function licenceText(root: string, components: readonly Component[]): string {
  const texts = new Map<string, { readonly text: string; readonly names: string[] }>();
  for (const { name, version, folder } of components) {
    if (folder === undefined) continue;
    for (const file of globSync("{LICENSE,LICENCE,license,COPYING,NOTICE}*", { cwd: join(root, folder), exclude: ["**/*.js"] }).sort()) {
      const text = readFileSync(join(root, folder, file), "utf8")
        .replaceAll("\r\n", "\n")
        .trim();
      const key = createHash("sha256").update(text.replaceAll(/\s+/g, " ")).digest("hex");
      const entry = texts.get(key) ?? { text, names: [] };
      entry.names.push(`${name} ${version}`);
      texts.set(key, entry);
    }
  }
  const list = components.map(({ name, version, licence }) => `${name} ${version}  ${licence}`).join("\n");
  const all = [...texts.values()].map(({ text, names }) => `${"-".repeat(80)}\n${[...new Set(names)].join(", ")}\n\n${text}\n`);
  return `Gatehouse contains:\n\n${list}\n\n${all.join("\n")}`;
}

/** CycloneDX 1.6, reproducible: no serial number, no time. */
export function sbomOf(of: {
  readonly name: string;
  readonly version: string;
  readonly commit: string;
  readonly components: readonly Component[];
}): string {
  const main = {
    type: "application",
    "bom-ref": "gatehouse",
    name: of.name,
    version: of.version,
    properties: [{ name: "commit", value: of.commit }],
  };
  const components = of.components.map(({ name, version, licence, purl }) => ({
    type: "library",
    "bom-ref": purl,
    name,
    version,
    purl,
    licenses: [
      / (OR|AND) |[()]/.test(licence)
        ? { expression: licence }
        : { license: /^[\w.+-]+$/.test(licence) ? { id: licence } : { name: licence } },
    ],
  }));
  return JSON.stringify({
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: main },
    components,
    dependencies: [{ ref: "gatehouse", dependsOn: components.map((one) => one["bom-ref"]) }],
  });
}
