import { join, relative, resolve } from "node:path";

/**
 * The gateway's local door: `STATE/control.sock`, newline-delimited JSON, one request and one answer per connection.
 * Who may open the socket (mode 0600 in a folder of mode 0700) may ask.
 */
export interface ControlRequest {
  readonly operation: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

export type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

export const maxRequestBytes = 64 * 1024;
export const maxAnswerBytes = 16 * 1024 * 1024;

/** sun_path of Linux takes 108 bytes with the terminating zero. */
const maxSocketPathBytes = 107;

/** The path to give to listen and connect; relative where that is what fits. */
export function controlSocketPath(folder: string): string {
  const path = resolve(folder, "control.sock");
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return path;
  return join(relative(".", folder), "control.sock");
}
