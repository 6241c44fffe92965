import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * The web pages of the product. Each `bundle.ts` of a page compiles it from its sources when a checkout starts; in an artefact there is no
 * bundler, so that the module is replaced by one that has the finished page in it. Convention: such a file exports `bundlePages(options)`
 * (finished page, JSON-able) and `bundledPages()` (a function that gives it), as cloud-bridge/noc/pages/bundle.ts does.
 * @returns path from the root -> text of the module that takes its place
 */
export function pageModules(root: string): ReadonlyMap<string, () => Promise<string>> {
  const modules = new Map<string, () => Promise<string>>();
  for (const path of globSync("{runtime,cloud-bridge,flows}/**/bundle.ts", { cwd: root }))
    modules.set(path, () => finished(join(root, path)));
  return modules;
}

async function finished(file: string): Promise<string> {
  const { bundlePages } = (await import(pathToFileURL(file).href)) as {
    readonly bundlePages: (options: { readonly minify: boolean }) => Promise<unknown>;
  };
  const assets = JSON.stringify(await bundlePages({ minify: true }));
  return `const assets = ${assets}; export const bundlePages = async () => assets; export const bundledPages = () => async () => assets;`;
}
