/**
 * What of the packages does not travel. Paths are from the package's folder, with `/`.
 * A rule too many breaks the flow host or the editor: the packaged smoke test and the browser suite on the binary find out.
 */
interface PruneRule {
  readonly packages: RegExp;
  readonly files: RegExp;
  readonly why: string;
}

const rules: readonly PruneRule[] = [
  { packages: /./, files: /\.(md|markdown|d\.ts|d\.mts|d\.cts|map|flow|tsbuildinfo)$/i, why: "documentation, types, source maps" },
  {
    packages: /^(?!@node-red\/)/,
    files: /(^|\/)(\.github|\.vscode|\.nyc_output|coverage|__tests__|benchmarks?|bench|examples?|fixtures|docs?)\//,
    why: "not run",
  },
  { packages: /./, files: /(^|\/)tests?\/(?!index\.js$)/, why: "tests" },
  {
    packages: /./,
    files:
      /(^|\/)(\.eslintrc.*|\.npmignore|\.editorconfig|\.prettierrc.*|\.travis\.yml|tsconfig.*\.json|Makefile|Gruntfile\.js|rollup\.config\..*|bower\.json|karma\.conf\.js)$/,
    why: "tools of their authors",
  },
  { packages: /^moment$/, files: /^(src|dist|min|ts3\.1-typings)\/|^locale\/(?!en-)/, why: "other builds of the same code" },
  { packages: /^moment-timezone$/, files: /^(builds|data\/(unpacked|meta))\//, why: "other builds of the same code" },
  { packages: /^ajv$/, files: /^lib\/.*\.ts$/, why: "its sources" },
  // Only the first level below locales/ are languages; deeper ones hold help texts of nodes.
  { packages: /^@node-red\//, files: /^(?:[^/]+\/)*?locales\/(?!en-US\/)[^/]+\//, why: "the product speaks English" },
  { packages: /^@node-red\/editor-client$/, files: /^public\/red\/(red|main)\.js$/, why: "the minified ones are served" },
  { packages: /^@node-red\/editor-client$/, files: /^public\/red\/tours\//, why: "tours are switched off" },
  { packages: /^@node-red\/editor-client$/, files: /^public\/vendor\/mermaid\//, why: "diagrams in descriptions are switched off" },
  { packages: /^@node-red\/editor-client$/, files: /^public\/vendor\/ace\//, why: "the editor's code editor is monaco" },
  {
    packages: /^@node-red\/editor-client$/,
    files: /^public\/vendor\/monaco\/dist\/(locale\/|(ts|css|html)\.worker\.js)/,
    why: "language services that a technician does not need on a gateway: 9 MB of workers",
  },
  { packages: /^@node-red\/editor-client$/, files: /^public\/types\//, why: "hints for the language service that is left out" },
  {
    packages: /^@node-red\/editor-client$/,
    files: /^public\/vendor\/font-awesome\/fonts\/.*\.(svg|eot|ttf|otf)$/,
    why: "browsers of this decade take woff2",
  },
];

/** Packages that are not taken at all; none of them is needed at run time (see build/README.md). */
export function isLeftOut(name: string): boolean {
  return name.startsWith("@node-rs/") || name.startsWith("@types/") || name === "typescript" || name === "npm" || name === "node";
}

/** @param path from the package's folder */
export function isPruned(packageName: string, path: string): boolean {
  return rules.some((rule) => rule.packages.test(packageName) && rule.files.test(path));
}
