import { globSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

/** Packages that are needed at a start and at a change of configuration, or when an order with arguments comes; import -> file in the artefact. */
const seldomPackages: Readonly<Record<string, string>> = { yaml: "yaml", "ajv/dist/2020.js": "ajv" };
const validators = "{runtime,drivers,cloud-bridge,flows}/**/generated/*.validate.js";
const codeFolder = "code/seldom";
const space = "seldom";

const fileOfValidator = (path: string) => `${codeFolder}/${path.replaceAll("/", "-").replace(/\.js$/, ".cjs")}`;
const fileOfPackage = (name: string) => `${codeFolder}/${seldomPackages[name]}.cjs`;

/** The modules that come by themselves: validators made of schemas, and the packages above. @returns path in the artefact -> content */
export async function seldomFiles(
  root: string,
  shared: BuildOptions,
): Promise<{ files: ReadonlyMap<string, Uint8Array>; metafile: Metafile }> {
  const require = createRequire(join(root, "package.json"));
  const paths = globSync(validators, { cwd: root }).sort();
  const entries = [
    ...paths.map((path) => ({ in: join(root, path), out: fileOfValidator(path).slice(5, -4) })),
    ...Object.keys(seldomPackages).map((name) => ({ in: require.resolve(name), out: fileOfPackage(name).slice(5, -4) })),
  ];
  const made = await build({
    ...shared,
    entryPoints: entries,
    format: "cjs",
    write: false,
    metafile: true,
    keepNames: false,
    outExtension: { ".js": ".cjs" },
    plugins: [],
  });
  return { files: new Map(made.outputFiles.map((file) => [relative(root, file.path), file.contents])), metafile: made.metafile };
}

/** Puts stand-ins that load on demand in their places. */
export function seldomModules(root: string): Plugin {
  const require = createRequire(join(root, "package.json"));
  const runtime = JSON.stringify(join(root, "build/bundle/on-demand.ts"));
  return {
    name: "seldom-modules",
    setup(bundler) {
      bundler.onResolve({ filter: /^(yaml|ajv\/dist\/2020\.js)$/ }, ({ path, importer }) =>
        importer.includes("/node_modules/") ? undefined : { path, namespace: space },
      );
      bundler.onLoad({ filter: /./, namespace: space }, async ({ path }) => {
        const library = (await import(pathToFileURL(require.resolve(path)).href)) as object;
        const functions = Object.entries(library).filter(
          (entry): entry is [string, object] =>
            typeof entry[1] === "function" && /^[A-Za-z_$][\w$]*$/.test(entry[0]) && entry[0] !== "default",
        );
        const lines = functions.map(([name, value]) => {
          const statics = JSON.stringify(Object.keys(value));
          return `export const ${name} = /* @__PURE__ */ functionOnDemand(load, ${JSON.stringify(name)}, ${statics});`;
        });
        return { contents: moduleText(runtime, fileOfPackage(path), lines), loader: "js", resolveDir: root };
      });
      bundler.onLoad({ filter: /\/generated\/[^/]+\.validate\.js$/ }, ({ path }) => {
        const file = fileOfValidator(relative(root, path));
        const line = 'export const validate = /* @__PURE__ */ functionOnDemand(load, "validate", []);';
        return { contents: moduleText(runtime, file, [line]), loader: "js", resolveDir: dirname(path) };
      });
    },
  };
}

function moduleText(runtime: string, file: string, lines: readonly string[]): string {
  const place = `__gatehousePath(${JSON.stringify(file)})`;
  return [
    `import { functionOnDemand, moduleOnDemand } from ${runtime};`,
    `const load = /* @__PURE__ */ moduleOnDemand(${place});`,
    ...lines,
  ].join("\n");
}
