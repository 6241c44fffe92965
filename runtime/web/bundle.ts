import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { GatewayError } from "#model/errors.ts";

/** A page as it is served: three files, no reference to anywhere else. */
export interface PageAssets {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

/**
 * Bundles a page from its folder (`main.tsx`, `index.html`): at start in a checkout, by the build for a package. esbuild is a development
 * dependency and is only loaded here. @throws GatewayError web.page when it is not installed or the sources do not compile
 */
export async function bundlePage(folder: URL, options: { readonly minify: boolean } = { minify: false }): Promise<PageAssets> {
  const { build } = await loadBundler();
  const result = await build({
    entryPoints: [fileURLToPath(new URL("main.tsx", folder))],
    outdir: "out",
    entryNames: "app",
    bundle: true,
    write: false,
    minify: options.minify,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "silent",
    define: { "process.env.NODE_ENV": '"production"' },
  }).catch((cause: unknown) => {
    throw new GatewayError("web.page", { message: "the page does not compile", cause });
  });
  const text = (ending: string) => result.outputFiles.find((file) => file.path.endsWith(ending))?.text ?? "";
  return { html: await readFile(fileURLToPath(new URL("index.html", folder)), "utf8"), script: text(".js"), style: text(".css") };
}

/** Bundles at the first request and keeps the outcome for the life of the process. */
export function bundledPage(folder: URL, options?: { readonly minify: boolean }): () => Promise<PageAssets> {
  let bundled: Promise<PageAssets> | undefined;
  return () => {
    bundled ??= bundlePage(folder, options);
    return bundled;
  };
}

async function loadBundler(): Promise<typeof import("esbuild")> {
  try {
    return await import("esbuild");
  } catch (cause) {
    throw new GatewayError("web.page", { message: "esbuild is not installed: use the packaged page or run npm ci", cause });
  }
}
