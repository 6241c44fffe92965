import { bundledPage, bundlePage } from "#web/bundle.ts";
import type { PageAssets } from "./assets.ts";

const folder = new URL("app/", import.meta.url);

/** The NOC's page from its sources. @throws GatewayError web.page */
export function bundlePages(options?: { readonly minify: boolean }): Promise<PageAssets> {
  return bundlePage(folder, options);
}

/** Bundles at the first request and keeps the outcome for the life of the process. */
export function bundledPages(options?: { readonly minify: boolean }): () => Promise<PageAssets> {
  return bundledPage(folder, options);
}
