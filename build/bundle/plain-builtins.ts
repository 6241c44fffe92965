import { createRequire, isBuiltin } from "node:module";
import type { Plugin } from "esbuild";

const space = "plain-builtin";
const lazySpace = "plain-builtin-lazy";
/** Their calls are replaced at the start of the single binary (`snapshot-files.ts`): only Node's own live bindings see that. */
const replaced = new Set(["fs", "fs/promises", "module", "worker_threads", "process"]);
/**
 * Loading these reads Node's list of root certificates and everything that TLS is made of, which many a gateway never speaks; HTTP, which the console needs
 * when somebody looks; the whole of cryptography, which the store's thread does not need at all.
 */
const onFirstCall = new Set(["https", "tls", "http", "crypto"]);
const isName = (name: string) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "default";

/**
 * `import ... from "node:crypto"` makes Node read every export of the module, and with them the lazy ones, each of which loads modules of its own:
 * all of undici behind `http`, Web Crypto behind `crypto`, archives behind `zlib`. Taken as a CommonJS module it stays lazy: less time at the start, less
 * memory.
 */
export function plainBuiltins(): Plugin {
  return {
    name: space,
    setup(bundler) {
      bundler.onResolve({ filter: /^(node:)?[a-z_0-9/]+$/ }, ({ path, kind }) => {
        const name = path.replace(/^node:/, "");
        const isImport = kind === "import-statement" || kind === "dynamic-import";
        return isImport && isBuiltin(path) && !replaced.has(name) ? { path: name, namespace: space, sideEffects: false } : undefined;
      });
      bundler.onResolve({ filter: /^plain-builtin-lazy:/ }, ({ path }) => ({
        path: path.slice(lazySpace.length + 1),
        namespace: lazySpace,
        sideEffects: false,
      }));
      bundler.onLoad({ filter: /./, namespace: space }, ({ path }) => ({ contents: moduleText(path), loader: "js" }));
      bundler.onLoad({ filter: /./, namespace: lazySpace }, ({ path }) => {
        const [module = "", name = ""] = path.split("#");
        return { contents: `export const ${name} = process.getBuiltinModule("node:${module}").${name};`, loader: "js" };
      });
    },
  };
}

function moduleText(module: string): string {
  const exported = createRequire(import.meta.url)(`node:${module}`) as object;
  const described = Object.entries(Object.getOwnPropertyDescriptors(exported)).filter(([name]) => isName(name));
  const load = `process.getBuiltinModule("node:${module}")`;
  const lines = described.map(([name, one]) => {
    // What stands behind a getter is what must not be read before somebody needs it.
    if (!("value" in one)) return `export { ${name} } from "${lazySpace}:${module}#${name}";`;
    if (onFirstCall.has(module)) return typeof one.value === "function" ? `export const ${name} = /* @__PURE__ */ called("${name}");` : "";
    return `export const ${name} = /* @__PURE__ */ own("${name}");`;
  });
  if (onFirstCall.has(module)) return [calledText(load), ...lines].join("\n");
  return [`const exported = /* @__PURE__ */ ${load};`, "const own = (name) => exported[name];", "export default exported;", ...lines].join(
    "\n",
  );
}

/** Stands for a function or class until it is called, or until another class is made of it. */
function calledText(load: string): string {
  return `const called = (name) => {
    const own = () => ${load}[name];
    const standIn = new Proxy(function () {}, {
      apply: (_, self, args) => Reflect.apply(own(), self, args),
      construct: (_, args, target) => Reflect.construct(own(), args, target === standIn ? own() : target),
      get: (_, key) => own()[key],
    });
    return standIn;
  };`;
}
