import { createHash } from "node:crypto";
import { GatewayError } from "../../../runtime/model/errors.ts";
import type { DocumentStore } from "../../../runtime/ports/document-store.ts";

/** Documents that live as long as the test. */
export class MemoryDocuments implements DocumentStore {
  readonly whole = new Map<string, Uint8Array>();
  readonly parts = new Map<string, Uint8Array>();
  mark: string | undefined;

  has(sha256: string): boolean {
    return this.whole.has(sha256);
  }

  read(sha256: string): Uint8Array | undefined {
    return this.whole.get(sha256);
  }

  write(sha256: string, bytes: Uint8Array): void {
    if (createHash("sha256").update(bytes).digest("hex") !== sha256) throw new GatewayError("codec.malformed", { message: "other digest" });
    this.whole.set(sha256, bytes);
    this.parts.delete(sha256);
  }

  partial(sha256: string): Uint8Array | undefined {
    return this.parts.get(sha256);
  }

  keepPartial(sha256: string, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.parts.delete(sha256);
    else this.parts.set(sha256, bytes);
  }

  retain(wanted: ReadonlySet<string>): void {
    for (const known of [...this.whole.keys()]) if (!wanted.has(known)) this.whole.delete(known);
    for (const known of [...this.parts.keys()]) if (!wanted.has(known)) this.parts.delete(known);
  }

  readMark(): string | undefined {
    return this.mark;
  }

  writeMark(text: string): void {
    this.mark = text;
  }
}
