import { createHash } from "node:crypto";
import { GatewayError } from "#model/errors.ts";
import type { DocumentStore } from "#ports/document-store.ts";
import type { Disk } from "./disk.ts";
import { NodeDisk } from "./node-disk.ts";

const folder = "documents";
const mark = "generation";
const namePattern = /^[0-9a-f]{64}$/;
const maxMarkBytes = 256;

/** Opens `documents/` under the state folder. @throws GatewayError buffer.denied */
export function openDocumentStore(stateDir: string, disk: Disk = new NodeDisk(stateDir)): DocumentStore {
  return new DiskDocuments(disk);
}

class DiskDocuments implements DocumentStore {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  has(sha256: string): boolean {
    return this.#disk.size(path(sha256)) !== undefined;
  }

  read(sha256: string): Uint8Array | undefined {
    const bytes = this.#disk.readWhole(path(sha256));
    if (bytes === undefined || digest(bytes) === sha256) return bytes;
    this.#disk.remove(path(sha256));
    return undefined;
  }

  write(sha256: string, bytes: Uint8Array): void {
    if (digest(bytes) !== sha256) {
      throw new GatewayError("codec.malformed", { message: "the document does not have the digest it was asked for by" });
    }
    this.#place(path(sha256), bytes);
    this.#disk.remove(partialPath(sha256));
  }

  partial(sha256: string): Uint8Array | undefined {
    return this.#disk.readWhole(partialPath(sha256));
  }

  keepPartial(sha256: string, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.#disk.remove(partialPath(sha256));
    else this.#place(partialPath(sha256), bytes);
  }

  retain(wanted: ReadonlySet<string>): void {
    for (const name of this.#disk.list(folder)) {
      const [digestPart = ""] = name.split(".", 1);
      if (namePattern.test(digestPart) && !wanted.has(digestPart)) this.#disk.remove(`${folder}/${name}`);
    }
  }

  readMark(): string | undefined {
    const bytes = this.#disk.readWhole(mark);
    return bytes === undefined || bytes.length > maxMarkBytes ? undefined : Buffer.from(bytes).toString("utf8");
  }

  writeMark(text: string): void {
    this.#disk.writeWhole(mark, Buffer.from(`${text}\n`));
  }

  /** `writeWhole` makes no folders, `rename` does. */
  #place(target: string, bytes: Uint8Array): void {
    const draft = "document.draft";
    this.#disk.writeWhole(draft, bytes);
    this.#disk.rename(draft, target);
  }
}

function path(sha256: string): string {
  if (!namePattern.test(sha256)) throw new TypeError("not a digest");
  return `${folder}/${sha256}`;
}

function partialPath(sha256: string): string {
  return `${path(sha256)}.part`;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
