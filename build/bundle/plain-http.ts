import { createRequire } from "node:module";
import type { Plugin } from "esbuild";

const space = "plain-http";

/**
 * `import ... from "node:http"` makes Node read every export of the module, and with them the lazy ones of WebSocket: that loads all of undici
 * (100 ms and 3.3 MB of heap on a loaded machine), which nobody here uses. Taken as a CommonJS module it stays lazy.
 */
export function plainHttp(): Plugin {
  return {
    name: space,
    setup(bundler) {
      bundler.onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
        kind === "import-statement" || kind === "dynamic-import" ? { path: "http", namespace: space } : undefined,
      );
      bundler.onLoad({ filter: /./, namespace: space }, () => {
        const names = eagerExports();
        return {
          contents: `const http = process.getBuiltinModule("node:http"); export const { ${names.join(", ")} } = http; export default http;`,
          loader: "js",
        };
      });
    },
  };
}

/** Those that are values: what stands behind a getter is what must not be read. */
function eagerExports(): readonly string[] {
  const http = createRequire(import.meta.url)("node:http") as object;
  const described = Object.entries(Object.getOwnPropertyDescriptors(http));
  return described.filter(([, one]) => "value" in one).map(([name]) => name);
}
