import type { Enumeration } from "./enumeration.ts";
import { standardEnumerations } from "./enumerations-standard.ts";
import { vendorEnumerations } from "./enumerations-vendor.ts";

/** By name as used in `enum:NAME`. OID-valued ones are keyed by the last arc. */
export const enumerations: Readonly<Record<string, Enumeration>> = { ...standardEnumerations, ...vendorEnumerations };
