import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * The gateway under test as it is packaged: two scripts instead of some hundred modules whose sources and type stripping would take 30 MB of
 * memory. Below node_modules, so that packages are found as ever. @returns the script and what removes it
 */
export async function bundleGateway(): Promise<{ readonly script: string; remove(): void }> {
  const folder = join(root, "node_modules", ".cache", `gatehouse-bench-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const worker = pathToFileURL(join(folder, "store-worker.mjs")).href;
  // Files that are looked for beside a module still lie beside the source.
  const places: Plugin = {
    name: "places",
    setup: (bundler) =>
      bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, "utf8")
          .replace('new URL("../store-worker.ts", import.meta.url)', `new URL(${JSON.stringify(worker)})`)
          .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
          .replaceAll("import.meta.dirname", JSON.stringify(dirname(path))),
        loader: "ts",
      })),
  };
  await build({
    entryPoints: { gateway: join(root, "tests/bench/site/gateway.ts"), "store-worker": join(root, "runtime/store-worker.ts") },
    ...{
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      logLevel: "error",
    },
    plugins: [places],
  });
  return { script: join(folder, "gateway.mjs"), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
