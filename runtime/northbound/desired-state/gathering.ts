import type { Manifest, ManifestDocument } from "#model/authority.ts";
import type { DesiredDocument, DocumentOutcome, DocumentProblem } from "#model/desired.ts";
import { GatewayError } from "#model/errors.ts";
import type { DocumentStore } from "#ports/document-store.ts";
import type { OwnerSet } from "./owner-set.ts";
import { inlineBytes, kindOf, maxGenerationBytes, unpack } from "./unpack.ts";

/** All documents of a generation, or everything that is wrong with them. */
export interface Gathered {
  readonly documents: readonly DesiredDocument[];
  readonly problems: readonly DocumentProblem[];
  /** Kinds that nobody here puts into effect. */
  readonly unsupported: readonly DocumentOutcome[];
}

export interface GatheringParts {
  readonly owners: OwnerSet;
  readonly documents: DocumentStore;
  readonly parse: (text: string) => unknown;
  readonly fetch: (entry: ManifestDocument, signal: AbortSignal) => Promise<Uint8Array>;
}

/** Gets and unpacks every document of a manifest. @throws GatewayError uplink.* when the NOC cannot be asked now */
export async function gather(manifest: Manifest, parts: GatheringParts, signal: AbortSignal): Promise<Gathered> {
  const documents: DesiredDocument[] = [];
  const problems: DocumentProblem[] = [...duplicates(manifest), ...oversize(manifest)];
  const unsupported: DocumentOutcome[] = [];
  if (problems.length > 0) return { documents, problems, unsupported };
  for (const entry of manifest.docs) {
    const kind = kindOf(entry);
    if (kind === undefined || !parts.owners.owns(kind)) {
      unsupported.push({ document: entry.id, status: "unsupported", tookMs: 0 });
      if (entry.must === true)
        problems.push(problem(entry, "E_UNSUPPORTED", `this gateway does not know documents of the kind ${entry.k}`));
      continue;
    }
    const made = await bytesOf(entry, parts, signal);
    const one = made instanceof Uint8Array ? unpack(entry, kind, made, parts.parse) : made;
    if ("code" in one) problems.push(one);
    else documents.push(one);
  }
  return { documents, problems, unsupported };
}

async function bytesOf(entry: ManifestDocument, parts: GatheringParts, signal: AbortSignal): Promise<Uint8Array | DocumentProblem> {
  // Firmware travels by its own signed metadata; the manifest only names it.
  if (entry.inline !== undefined) return inlineBytes(entry);
  if (entry.src !== undefined && !entry.src.includes("mqtt"))
    return problem(entry, "E_SOURCE", "the document is offered by no way that this gateway has");
  try {
    return await parts.fetch(entry, signal);
  } catch (error) {
    // What came is wrong and would be again; anything else (no line) is tried again by the caller.
    if (!(error instanceof GatewayError) || !error.code.startsWith("codec.")) throw error;
    return problem(entry, "E_DIGEST", error.message);
  }
}

function duplicates(manifest: Manifest): readonly DocumentProblem[] {
  const seen = new Set<string>();
  return manifest.docs.flatMap((entry) => {
    if (!seen.has(entry.id)) {
      seen.add(entry.id);
      return [];
    }
    return [problem(entry, "E_DUPLICATE", "the manifest names this document twice")];
  });
}

function oversize(manifest: Manifest): readonly DocumentProblem[] {
  const bytes = manifest.docs.reduce((sum, entry) => sum + (entry.k === "firmware" ? 0 : entry.size), 0);
  const [first] = manifest.docs;
  if (bytes <= maxGenerationBytes || first === undefined) return [];
  return [problem(first, "E_SIZE", `the generation has more than ${maxGenerationBytes} bytes`)];
}

function problem(entry: ManifestDocument, code: string, message: string): DocumentProblem {
  return { document: entry.id, code, path: "", message };
}
