import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { GatewayError } from "#model/errors.ts";
import type { Entropy } from "#ports/entropy.ts";

const algorithm = "aes-256-gcm";
const rootBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
/** Values have a key of their own. */
const valueKey = "gatehouse values at rest 1";
const maxFileBytes = 1_048_576;
/** What binds a card to its board; the first one that is there. A card in another board does not open. */
const bindings = ["/sys/firmware/devicetree/base/serial-number", "/etc/machine-id"];

interface Sealed {
  readonly v: 1;
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

/**
 * Files that are encrypted at rest (RELIABILITY 5.4): AES-256-GCM under a key derived (HKDF-SHA-256) from a root file of mode 0400 and the
 * board's serial number. Without a secure element whoever holds board and card can read them; whoever has the card alone cannot.
 */
export class SealedFiles {
  readonly #rootFile: string;
  readonly #entropy: Entropy;
  readonly #binding: () => string;

  /** @param binding for tests; default: the board's serial number, else the machine id */
  constructor(rootFile: string, entropy: Entropy, binding: () => string = boardBinding) {
    this.#rootFile = rootFile;
    this.#entropy = entropy;
    this.#binding = binding;
  }

  /** The content, or undefined if there is no such file. @throws GatewayError config.secret when it does not open */
  read(file: string): unknown {
    const bytes = readIfThere(file);
    if (bytes === undefined) return undefined;
    try {
      const sealed = JSON.parse(bytes.toString("utf8")) as Readonly<Record<string, unknown>>;
      const decipher = createDecipheriv(algorithm, this.#key(false), bytesOf(sealed["iv"]));
      decipher.setAuthTag(bytesOf(sealed["tag"]));
      const clear = Buffer.concat([decipher.update(bytesOf(sealed["data"])), decipher.final()]);
      return JSON.parse(clear.toString("utf8")) as unknown;
    } catch (cause) {
      throw new GatewayError("config.secret", {
        message: `${file} does not open: it is damaged, or was moved here from another board. Enrol this gateway again`,
        fields: { file },
        // The library's message may quote what was read.
        cause: cause instanceof Error ? cause.name : "unknown",
      });
    }
  }

  /** Replaces the file in one durable step. @throws GatewayError buffer.denied | buffer.disk-full */
  write(file: string, content: unknown): void {
    const iv = this.#entropy.bytes(ivBytes);
    const cipher = createCipheriv(algorithm, this.#key(true), iv);
    const data = Buffer.concat([cipher.update(JSON.stringify(content), "utf8"), cipher.final()]);
    const sealed: Sealed = {
      v: 1,
      iv: Buffer.from(iv).toString("base64"),
      tag: cipher.getAuthTag().toString("base64"),
      data: data.toString("base64"),
    };
    writeDurably(file, Buffer.from(JSON.stringify(sealed)), 0o600);
  }

  /** For values in a database: IV, tag and data in one. @throws GatewayError buffer.denied | buffer.disk-full */
  seal(clear: Uint8Array): Uint8Array {
    const iv = this.#entropy.bytes(ivBytes);
    const cipher = createCipheriv(algorithm, this.#key(true, valueKey), iv);
    const data = Buffer.concat([cipher.update(clear), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), data]);
  }

  /** @throws GatewayError config.secret when it does not open */
  open(sealed: Uint8Array): Uint8Array {
    try {
      const decipher = createDecipheriv(algorithm, this.#key(false, valueKey), sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
      decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
      return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]);
    } catch (cause) {
      throw new GatewayError("config.secret", {
        message: "a value of the state does not open: it is damaged, or was moved here from another board",
        cause: cause instanceof Error ? cause.name : "unknown",
      });
    }
  }

  #key(make: boolean, purpose = "gatehouse at rest 1"): Buffer {
    let root = readIfThere(this.#rootFile);
    if (root === undefined && make) {
      root = Buffer.from(this.#entropy.bytes(rootBytes));
      writeDurably(this.#rootFile, root, 0o400);
    }
    if (root?.length !== rootBytes) throw new Error("no root");
    return Buffer.from(hkdfSync("sha256", root, this.#binding(), purpose, 32));
  }
}

/** Text only: of an object with a `length` Node would make a buffer of that size. */
function bytesOf(value: unknown): Buffer {
  if (typeof value !== "string") throw new TypeError("not text");
  return Buffer.from(value, "base64");
}

function boardBinding(): string {
  for (const file of bindings) {
    const text = readIfThere(file)?.toString("latin1").replace(/\0/g, "").trim();
    if (text !== undefined && text !== "") return text;
  }
  return "";
}

function readIfThere(file: string): Buffer | undefined {
  try {
    const bytes = readFileSync(file);
    return bytes.length > maxFileBytes ? undefined : bytes;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new GatewayError("config.unreadable", {
      message: `${file} cannot be read (${code ?? "unknown reason"})`,
      fields: { file },
      cause,
    });
  }
}

/** Write beside it, fsync, rename over it, fsync the folder: after a power cut the file is the old one or the new one. */
export function writeDurably(file: string, bytes: Uint8Array, mode: number): void {
  const draft = `${file}.new`;
  try {
    const handle = openSync(draft, "w", mode);
    try {
      writeSync(handle, bytes);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
    const folder = openSync(dirname(file), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const kind = code === "ENOSPC" || code === "EDQUOT" ? "buffer.disk-full" : "buffer.denied";
    throw new GatewayError(kind, { message: `${file} cannot be written (${code ?? "unknown reason"})`, fields: { file }, cause });
  }
}
