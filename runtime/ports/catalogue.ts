/** One entry of the service catalogue as shown to people. The whole template stays in its file. */
export interface CatalogueEntry {
  readonly id: string;
  /** Semantic version. */
  readonly version: string;
  readonly title: string;
  readonly category: string;
  readonly summary: string;
  /** JSON Schema of the parameters (the subset of flows/library/README.md), for a form. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What a customer may be charged by; absent = free. */
  readonly plans?: readonly { readonly id: string; readonly title: string }[];
  /** README of the service, Markdown, written for the customer. */
  readonly description: string;
}

/** Built-in service templates (flows/library) and those the NOC has sent. */
export interface Catalogue {
  entries(): readonly CatalogueEntry[];
  /** The whole template, parsed and checked. @returns undefined = there is none of that id and version; no version = the newest */
  template(id: string, version?: string): unknown;
}
