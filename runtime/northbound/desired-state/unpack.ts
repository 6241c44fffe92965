import { gunzipSync } from "node:zlib";
import type { ManifestDocument } from "#model/authority.ts";
import type { DesiredDocument, DocumentKind, DocumentProblem } from "#model/desired.ts";
import { GatewayError, isGatewayError } from "#model/errors.ts";
import { sha256Hex } from "../digest.ts";

/** Largest document, decoded. */
export const maxDocumentBytes = 4 * 1_048_576;
/** All documents of one generation together, decoded. */
export const maxGenerationBytes = 24 * 1_048_576;

export const knownKinds: readonly DocumentKind[] = ["config", "services", "template", "flow", "sla", "keys", "firmware", "cred"];

export function kindOf(entry: ManifestDocument): DocumentKind | undefined {
  return knownKinds.find((kind) => kind === entry.k);
}

/**
 * The bytes of a document that travelled inside the manifest: its JSON as JavaScript writes it (`JSON.stringify`), which is what its digest
 * was made over.
 */
export function inlineBytes(entry: ManifestDocument): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entry.inline));
}

/** What was transferred, decoded: the digest is that of the decoded bytes. @throws GatewayError codec.limit | codec.malformed */
export function decodeTransfer(entry: ManifestDocument, transferred: Uint8Array): Uint8Array {
  if (entry.enc === "json") return transferred;
  if (entry.enc !== "json.gz") throw new GatewayError("codec.malformed", { message: "the encoding of the document is not known" });
  try {
    return gunzipSync(transferred, { maxOutputLength: maxDocumentBytes });
  } catch (cause) {
    throw new GatewayError("codec.malformed", { message: "the document cannot be unpacked", cause });
  }
}

/** Bytes to content, or what is wrong with them. */
export function unpack(
  entry: ManifestDocument,
  kind: DocumentKind,
  bytes: Uint8Array,
  parse: (text: string) => unknown,
): DesiredDocument | DocumentProblem {
  const wrong = (code: string, message: string): DocumentProblem => ({ document: entry.id, code, path: "", message });
  if (bytes.length > maxDocumentBytes) return wrong("E_SIZE", `the document has more than ${maxDocumentBytes} bytes`);
  if (sha256Hex(bytes) !== entry.sha256) return wrong("E_DIGEST", "the document does not have the digest that the manifest names");
  try {
    const content = parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return { kind, id: entry.id, rev: entry.rev, sha256: entry.sha256, content };
  } catch (error) {
    if (isGatewayError(error)) return wrong("E_JSON", error.message);
    if (!(error instanceof TypeError)) throw error;
    return wrong("E_JSON", "the document is not UTF-8");
  }
}
