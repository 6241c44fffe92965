import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build, type Metafile, type OutputFile, type Plugin } from "esbuild";

/** Packages that are needed at a start and at a change of configuration, or when an order with arguments comes; import -> file in the artefact. */
const seldomPackages: Readonly<Record<string, string>> = { yaml: "yaml", "ajv/dist/2020.js": "ajv" };
const codeFolder = "code/seldom";
const space = "seldom";

const fileOfValidator = (path: string) => `${codeFolder}/${path.replaceAll("/", "-").replace(/\.js$/, ".cjs")}`;
const fileOfPackage = (name: string) => `${codeFolder}/${seldomPackages[name]}.cjs`;

export interface SeldomModules {
  /** Puts stand-ins that load on demand in their places. */
  readonly plugin: Plugin;
  /** Bundles those that were met: one file without imports each. */
  readonly bundle: (shared: BuildOptions) => Promise<{ readonly outputFiles: readonly OutputFile[]; readonly metafile: Metafile }>;
}

/** Validators made of schemas, and the packages above, as files of their own that are read when they are called. */
export function seldomModules(root: string): SeldomModules {
  const require = createRequire(join(root, "package.json"));
  const met = new Map<string, string>();
  return {
    plugin: standIns(root, require, met),
    bundle: async (shared) => {
      const entryPoints = [...met].sort().map(([file, source]) => ({ in: source, out: file.slice("code/".length, -".cjs".length) }));
      const form: BuildOptions = { format: "cjs", minify: true, outExtension: { ".js": ".cjs" }, plugins: [], entryPoints };
      const { outputFiles = [], metafile = { inputs: {}, outputs: {} } } = await build({
        ...shared,
        ...form,
        write: false,
        metafile: true,
      });
      return { outputFiles, metafile };
    },
  };
}

/** @param met gets file in the artefact -> source of what was met */
function standIns(root: string, require: NodeJS.Require, met: Map<string, string>): Plugin {
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
        met.set(fileOfPackage(path), require.resolve(path));
        return { contents: moduleText(runtime, fileOfPackage(path), lines), loader: "js", resolveDir: root };
      });
      bundler.onLoad({ filter: /\/generated\/[^/]+\.validate\.js$/ }, ({ path }) => {
        const file = fileOfValidator(relative(root, path));
        met.set(file, path);
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
