import { bundledPage, bundlePage, type PageAssets } from "#web/bundle.ts";

const folder = new URL("app/", import.meta.url);

/** The console's page from its sources. @throws GatewayError web.page */
export function bundlePages(options?: { readonly minify: boolean }): Promise<PageAssets> {
  return bundlePage(folder, options);
}

/** Bundles at the first request and keeps the outcome for the life of the process. */
export function bundledPages(options?: { readonly minify: boolean }): () => Promise<PageAssets> {
  return bundledPage(folder, options);
}
