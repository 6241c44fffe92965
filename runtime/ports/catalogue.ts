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
  /** What equipment it needs, for people. */
  readonly equipment?: string;
  /** Where its data comes from: one object or check each. */
  readonly dataSources?: readonly string[];
}

/** One service as somebody wants it on one gateway. */
export interface WantedService {
  readonly id: string;
  /** `ID` or `ID@VERSION`. */
  readonly template: string;
  readonly enabled?: boolean;
  readonly label?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Values of parameters with `format: password`, by name. */
  readonly secrets?: Readonly<Record<string, unknown>>;
  readonly plan?: string;
  readonly quarantine?: number;
}

/** One thing wrong with a wanted service; `path` is a JSON pointer into it: `/parameters/rxMin`, `/template`. */
export interface ServiceProblem {
  readonly code: string;
  readonly path: string;
  readonly message: string;
}

/** The catalogue at the NOC's end: what can be sold, and whether an order for it makes sense before anything is sent. */
export interface ServiceDirectory {
  entries(): readonly CatalogueEntry[];
  /** Everything that is wrong, at once; what only the gateway can know is left to it. */
  check(wanted: WantedService, site: { hasEquipment(id: string): boolean; hasCheck(id: string): boolean }): readonly ServiceProblem[];
}

/** Built-in service templates (flows/library) and those the NOC has sent. */
export interface Catalogue {
  entries(): readonly CatalogueEntry[];
  /** The whole template, parsed and checked. @returns undefined = there is none of that id and version; no version = the newest */
  template(id: string, version?: string): unknown;
}
