import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { GatewayError } from "#model/errors.ts";

/** As the service of the package reads it: secrets that the configuration takes by `$env`. */
const environmentFile = "environment";
/** `$file: auth.key`, with and without quotes, in block and flow style. Read as text: a file that does not parse any more is erased as well. */
const reference = /\$file["']?\s*:\s*(?:"([^"\n]+)"|'([^'\n]+)'|([^\s,}#]+))/g;

/**
 * What belongs to a configuration: itself, the environment of its service, and the files it names below its folder.
 * @returns `left`: files that it names elsewhere; they may be somebody else's @throws GatewayError config.unreadable
 */
export function filesOfConfiguration(file: string): { readonly own: readonly string[]; readonly left: readonly string[] } {
  const path = resolve(file);
  const folder = dirname(path);
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new GatewayError("config.unreadable", { message: `the configuration ${path} cannot be read`, cause, fields: { file: path } });
  }
  const named = [...text.matchAll(reference)].map(([, double, single, plain]) => resolve(folder, double ?? single ?? plain ?? ""));
  const there = [...new Set(named)].filter((one) => existsSync(one));
  return {
    own: [path, join(folder, environmentFile), ...there.filter((one) => isBelow(folder, one))],
    left: there.filter((one) => !isBelow(folder, one)),
  };
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}
