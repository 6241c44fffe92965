import type { IdentityRule } from "../metric-sets/metric-set.ts";

/** What is known of a device so far, field by field. */
export type Fields = Partial<Record<IdentityRule["field"], string>>;

export function withoutUndefined(fields: { readonly [field in keyof Fields]: string | undefined }): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
