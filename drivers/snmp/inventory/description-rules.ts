import type { DeviceIdentity } from "#model/observation.ts";
import { networkForms } from "./description-network.ts";
import { otherForms } from "./description-others.ts";
import type { DescriptionRule } from "./description-rule.ts";

type Field = "vendor" | "model" | "serial" | "firmware" | "hardware" | "osName" | "deviceClass";

/** In which vendors write sysDescr. First match wins. No nested quantifiers: the text is the device's, and time is ours. */
const forms: readonly (readonly DescriptionRule[])[] = [networkForms, otherForms];

const maxDescriptionLength = 512;

/** What the text says by itself, with the form that said it. */
export function describe(sysDescr: string | undefined): { readonly form: string; readonly identity: Partial<DeviceIdentity> } | undefined {
  if (sysDescr === undefined) return undefined;
  const text = sysDescr.slice(0, maxDescriptionLength);
  for (const rule of forms.flat()) {
    const [form, word, pattern, vendor, deviceClass, osName] = rule;
    const match = text.includes(word) ? pattern.exec(text) : null;
    if (match === null) continue;
    const found: Partial<Record<Field, string>> = {
      ...(vendor !== undefined && { vendor }),
      ...(deviceClass !== undefined && { deviceClass }),
      ...(osName !== undefined && { osName }),
    };
    for (const [field, value] of Object.entries(match.groups ?? {})) {
      if (value !== undefined && isField(field)) found[field] = value.trim().replace(/ \(Build /, ".");
    }
    return { form, identity: found };
  }
  return undefined;
}

function isField(name: string): name is Field {
  return ["vendor", "model", "serial", "firmware", "hardware", "osName", "deviceClass"].includes(name);
}
