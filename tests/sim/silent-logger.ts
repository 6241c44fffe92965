import type { Logger } from "../../runtime/ports/logger.ts";

/** Says nothing: for tests whose subject is not the log. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};
