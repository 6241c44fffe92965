import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { GatewayError } from "#model/errors.ts";
import type { Entropy } from "#ports/entropy.ts";

/** 256 bits, hexadecimal. */
const tokenPattern = /^[0-9a-f]{64}$/;

/** Reads the API's bearer token; makes the file (mode 0600) at the first start. @throws GatewayError noc.store */
export function openToken(file: string, entropy: Entropy): string {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeNew(file, Buffer.from(entropy.bytes(32)).toString("hex"));
    // A file that was there before may have been made by other hands.
    chmodSync(file, 0o600);
    return readToken(file);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("noc.store", { message: "the token file cannot be made", cause, fields: { file } });
  }
}

/** Reads the token of an existing file. @throws GatewayError noc.denied when it is not there or not a token */
export function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new GatewayError("noc.denied", { message: `the token file cannot be read: ${file}`, cause, fields: { file } });
  }
  if (!tokenPattern.test(text))
    throw new GatewayError("noc.denied", { message: `the token file does not hold a token: ${file}`, fields: { file } });
  return text;
}

/** Whole or not at all: a cut between making and filling the file must not leave an empty one. */
function writeNew(file: string, token: string): void {
  if (existsSync(file)) return;
  const draft = `${file}.${token.slice(0, 8)}`;
  const descriptor = openSync(draft, "wx", 0o600);
  try {
    writeSync(descriptor, `${token}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
}
