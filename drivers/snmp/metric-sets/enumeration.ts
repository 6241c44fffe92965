/** What a state means to a NOC, whatever the device calls it. */
export type GenericSeverity = "ok" | "warning" | "critical" | "unknown";

export interface Enumeration {
  readonly names: Readonly<Record<number, string>>;
  /** Only where it is obvious; a value without one has no opinion. */
  readonly severity?: Readonly<Record<number, GenericSeverity>>;
}
