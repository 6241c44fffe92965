import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, matchesGlob, relative } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { asCommonModule, commonName, demandNoCircles } from "./common-modules.ts";
import { laterPartsOf } from "./later-parts.ts";
import { lazyPackages } from "./lazy-packages.ts";
import { type PageModules, pageModules } from "./pages.ts";
import { plainBuiltins } from "./plain-builtins.ts";
import { seldomModules } from "./seldom-modules.ts";

export interface OwnCode {
  /** Path in the artefact, from its root -> content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names of the npm packages whose code went into the bundle. */
  readonly packages: ReadonlySet<string>;
}

export interface OwnCodeOptions {
  readonly root: string;
  readonly replaced: Readonly<Record<string, string>>;
  readonly program: { readonly name: string; readonly version: string };
  /** Constants: `__GATEHOUSE_COMMIT__` and the like. */
  readonly define: Readonly<Record<string, string>>;
}

const codeFolder = "code";
const rooms = ["runtime", "drivers", "cloud-bridge", "flows"];
/** Not bundled: found by path at run time, or never needed there. */
const external = ["@node-red/*", "express", "esbuild", "node:*"];
const isExternal = (name: string) => isBuiltin(name) || external.some((one) => matchesGlob(name, one) || name.startsWith(`${one}/`));

// Own code finds its data files by import.meta: in the bundle that means "where this source file lies in the artefact's tree".
const cjsBanner = `const __gatehousePath=p=>require("node:path").join(__dirname,"..",p),__gatehouseUrl=p=>require("node:url").pathToFileURL(__gatehousePath(p)).href;`;

/** Bundles the product's own code: the program with everything it imports lazily as files, and each worker's entry as one file. */
export async function bundleOwnCode(options: OwnCodeOptions): Promise<OwnCode> {
  const { root } = options;
  const pages = pageModules(root);
  const seldom = seldomModules(root);
  const shared = {
    absWorkingDir: root,
    bundle: true,
    write: false as const,
    metafile: true as const,
    platform: "node",
    target: "node26",
    outdir: codeFolder,
    external,
    // Names stay as they are: shortened ones would have to be put right at run time, which costs a hidden class each.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    // Text of modules stays in memory: with one character beyond Latin-1 in it at twice its size.
    charset: "ascii",
    logLevel: "warning",
    define: { ...options.define },
    plugins: [plainBuiltins(), lazyPackages(root, isExternal), ownPlaces(options, pages)],
  } satisfies BuildOptions;
  const program = await build({
    ...shared,
    plugins: [seldom.plugin, laterPartsOf(root), ...shared.plugins],
    entryPoints: [{ in: join(root, "build/bundle/entry.ts"), out: "entry" }],
    format: "esm",
    splitting: true,
    chunkNames: "[name]-[hash]",
    outExtension: { ".js": ".mjs" },
  });
  demandNoCircles(program.metafile);
  const workers = workerEntries(root);
  const threads = await build({
    ...shared,
    entryPoints: workers.map((path) => ({ in: join(root, path), out: workerFile(path).slice(codeFolder.length + 1, -4) })),
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    banner: { js: cjsBanner },
  });
  const apart = await seldom.bundle(shared);
  const files = new Map<string, Uint8Array>();
  for (const page of pages.asked) files.set(page.file, Buffer.from(await page.content()));
  for (const { path, text } of program.outputFiles) {
    const file = relative(root, path);
    const made = program.metafile.outputs[file];
    if (made === undefined) throw new Error(`the bundler does not say what ${file} is made of`);
    files.set(commonName(file), Buffer.from(asCommonModule(text, file, made)));
  }
  for (const { outputFiles } of [threads, apart]) for (const file of outputFiles) files.set(relative(root, file.path), file.contents);
  return { files, packages: new Set([program, threads, apart].flatMap(({ metafile }) => [...packagesOf(metafile)])) };
}

/** Sources that somebody names as `new URL("x.ts", import.meta.url)`: programs of threads. */
function workerEntries(root: string): readonly string[] {
  const found = new Set<string>();
  for (const path of sources(root)) {
    const text = readFileSync(join(root, path), "utf8");
    for (const [, target = ""] of text.matchAll(workerUrl)) found.add(join(dirname(path), target));
  }
  return [...found].sort();
}

const workerUrl = /new URL\(\s*"([^"]+\.ts)",\s*import\.meta\.url\s*\)/g;

const workerFile = (path: string) => `${codeFolder}/${path.replaceAll("/", "-").replace(/\.ts$/, ".cjs")}`;

function sources(root: string): readonly string[] {
  return rooms.flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: root }));
}

/** Replaces `import.meta` in own sources by places in the artefact, bundles of pages by the finished pages, and what the artefact leaves out. */
function ownPlaces(options: OwnCodeOptions, pages: PageModules): Plugin {
  const { root, replaced } = options;
  return {
    name: "own-places",
    setup(bundler) {
      bundler.onResolve({ filter: /^better-sqlite3$/ }, () => ({ path: join(root, "build/bundle/sqlite.mjs") }));
      bundler.onLoad({ filter: /package\.json$/ }, ({ path }) =>
        path === join(root, "package.json") ? { contents: JSON.stringify(options.program), loader: "json" } : undefined,
      );
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
        const path = relative(root, file);
        if (!rooms.some((room) => path.startsWith(`${room}/`))) return undefined;
        const page = pages.modules.get(path);
        if (page !== undefined) {
          pages.asked.add(page);
          return { contents: page.module, loader: "js" };
        }
        const taken = replaced[path] ?? path;
        const text = readFileSync(join(root, taken), "utf8");
        return { contents: placed(text, taken), loader: "ts", resolveDir: dirname(join(root, taken)) };
      });
    },
  };
}

function placed(text: string, path: string): string {
  return text
    .replaceAll(workerUrl, (_, target: string) => `new URL(__gatehouseUrl(${JSON.stringify(workerFile(join(dirname(path), target)))}))`)
    .replaceAll("import.meta.url", `__gatehouseUrl(${JSON.stringify(path)})`)
    .replaceAll("import.meta.filename", `__gatehousePath(${JSON.stringify(path)})`)
    .replaceAll("import.meta.dirname", `__gatehousePath(${JSON.stringify(dirname(path))})`);
}

function packagesOf(metafile: Metafile): ReadonlySet<string> {
  const names = new Set<string>();
  for (const input of Object.keys(metafile.inputs)) {
    const match = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match !== null) names.add(match[0].slice(0, -1));
  }
  return names;
}
