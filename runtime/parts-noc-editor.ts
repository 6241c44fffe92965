import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The flow editor's own files as they are installed with the NOC; undefined = they are not, and come from the gateways. */
export function installedEditorFiles(): { readonly version: string; readonly folder: string } | undefined {
  let manifest: string;
  try {
    manifest = createRequire(import.meta.url).resolve("@node-red/editor-client/package.json");
  } catch {
    // The resolver's own words say nothing a person could use.
    return undefined;
  }
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string };
  return { version, folder: join(dirname(manifest), "public") };
}
