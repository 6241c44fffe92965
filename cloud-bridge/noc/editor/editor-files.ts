import { createReadStream, statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import { joinStreams } from "./join-streams.ts";

/** The editor's own files, as the NOC has them: the same for every gateway with this version of the editor. */
export interface EditorFiles {
  readonly version: string;
  /** Folder with `red`, `vendor`, `types`. */
  readonly folder: string;
}

const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".gif": "image/gif",
  ".ico": "image/x-icon",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".ttf": "font/ttf",
  ".ts": "text/plain; charset=utf-8",
};
const ours = /^(?:(?:red|vendor|types)\/[A-Za-z0-9@_./-]{1,200}|favicon\.ico)$/;

/** @returns false if the NOC has no such file; then the gateway is asked */
export function sendEditorFile(files: EditorFiles, path: string, response: ServerResponse): boolean {
  if (!ours.test(path) || normalize(path) !== path || path.includes("..")) return false;
  const file = join(files.folder, path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) return false;
  response.writeHead(200, {
    "content-type": types[extname(path)] ?? "application/octet-stream",
    "content-length": found.size,
    // The address holds the version's mark (`?v=`).
    "cache-control": "private, max-age=86400",
  });
  joinStreams(createReadStream(file), response);
  return true;
}
