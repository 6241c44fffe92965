import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { GatewayError } from "#model/errors.ts";
import type { PageAssets } from "./assets.ts";

const entry = fileURLToPath(new URL("app/main.tsx", import.meta.url));
const page = fileURLToPath(new URL("app/index.html", import.meta.url));

/**
 * Bundles the page from its sources: at start in a checkout, by the build for a package. esbuild is a development dependency and is
 * only loaded here. @throws GatewayError noc.store when it is not installed or the sources do not compile
 */
export async function bundlePages(options: { readonly minify: boolean } = { minify: false }): Promise<PageAssets> {
  const { build } = await loadBundler();
  const result = await build({
    entryPoints: [entry],
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
    throw new GatewayError("noc.store", { message: "the page does not compile", cause });
  });
  const text = (ending: string) => result.outputFiles.find((file) => file.path.endsWith(ending))?.text ?? "";
  return { html: await readFile(page, "utf8"), script: text(".js"), style: text(".css") };
}

/** Bundles at the first request and keeps the outcome for the life of the process. */
export function bundledPages(options?: { readonly minify: boolean }): () => Promise<PageAssets> {
  let bundled: Promise<PageAssets> | undefined;
  return () => {
    bundled ??= bundlePages(options);
    return bundled;
  };
}

async function loadBundler(): Promise<typeof import("esbuild")> {
  try {
    return await import("esbuild");
  } catch (cause) {
    throw new GatewayError("noc.store", { message: "esbuild is not installed: use the packaged page or run npm ci", cause });
  }
}
