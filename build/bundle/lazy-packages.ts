import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";

const space = "lazy-package";

/**
 * `await import("yaml")` of a CommonJS package: Node finds its named exports by reading it, the bundler gives a chunk with a default export
 * only. Here the package is asked for its names at build time, so that both see the same.
 */
export function lazyPackages(root: string, isExternal: (name: string) => boolean): Plugin {
  const require = createRequire(`${root}/package.json`);
  return {
    name: "lazy-packages",
    setup(bundler) {
      bundler.onResolve({ filter: /^[a-z@][^:]*$/ }, ({ path, kind, importer, namespace }) => {
        const isLazy = kind === "dynamic-import" && namespace === "file" && !importer.includes("/node_modules/");
        return isLazy && !isExternal(path) && !path.startsWith("#") ? { path, namespace: space } : undefined;
      });
      bundler.onLoad({ filter: /./, namespace: space }, async ({ path }) => {
        const names = Object.keys((await import(pathToFileURL(require.resolve(path)).href)) as object);
        const named = names.filter((name) => name !== "default" && name !== "module.exports" && /^[A-Za-z_$][\w$]*$/.test(name));
        const rest = names.includes("default") ? `export { default } from ${JSON.stringify(path)};` : "";
        return { contents: `export { ${named.join(", ")} } from ${JSON.stringify(path)};${rest}`, loader: "js", resolveDir: root };
      });
    },
  };
}
