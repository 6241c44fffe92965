import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * The web pages of the product. Each `bundle.ts` of a page compiles it from its sources when a checkout starts; in an artefact there is no
 * bundler, so that the module is replaced by one that reads the finished page from a file when somebody looks at it. Convention: such a file
 * exports `bundlePages(options)` (finished page, JSON-able) and `bundledPages()` (a function that gives it), as cloud-bridge/noc/pages/bundle.ts does.
 * @returns path from the root -> the finished page as a file of the artefact, and the text of the module that takes its place
 */
export function pageModules(root: string): PageModules {
  const modules = new Map<string, PageModule>();
  for (const path of globSync("{runtime,cloud-bridge,flows}/**/bundle.ts", { cwd: root })) {
    const file = `code/pages/${path.replaceAll("/", "-").replace(/\.ts$/, ".json")}`;
    modules.set(path, { file, content: () => finished(join(root, path)), module: moduleText(file) });
  }
  return { modules, asked: new Set() };
}

export interface PageModules {
  readonly modules: ReadonlyMap<string, PageModule>;
  /** Those that a bundle needs. */
  readonly asked: Set<PageModule>;
}

export interface PageModule {
  readonly file: string;
  readonly content: () => Promise<string>;
  readonly module: string;
}

async function finished(file: string): Promise<string> {
  const { bundlePages } = (await import(pathToFileURL(file).href)) as {
    readonly bundlePages: (options: { readonly minify: boolean }) => Promise<unknown>;
  };
  return JSON.stringify(await bundlePages({ minify: true }));
}

function moduleText(file: string): string {
  return [
    'import { readFileSync } from "node:fs";',
    `export const bundlePages = async () => JSON.parse(readFileSync(__gatehousePath(${JSON.stringify(file)}), "utf8"));`,
    "export const bundledPages = () => bundlePages;",
  ].join("\n");
}
