import type { CheckDefinition } from "#model/check.ts";
import type { HttpSettings, HttpStep } from "../settings/generated/http.ts";

/** Name of the only step of a check that is no transaction. */
export const onlyStep = "request";

export function httpSettings(definition: CheckDefinition): HttpSettings {
  return definition.settings as unknown as HttpSettings;
}

export function isTransaction(settings: HttpSettings): boolean {
  return settings.steps !== undefined;
}

/** A check without steps is a transaction of one. */
export function stepsOf(definition: CheckDefinition): readonly HttpStep[] {
  const settings = httpSettings(definition);
  if (settings.steps !== undefined) return settings.steps;
  const { method, headers, form, json, body, auth, expect, maxRedirects } = settings;
  const only = { name: onlyStep, url: definition.target, method, auth, expect, maxRedirects };
  return [
    {
      ...only,
      ...(headers === undefined ? {} : { headers }),
      ...(form === undefined ? {} : { form }),
      ...(json === undefined ? {} : { json }),
      ...(body === undefined ? {} : { body }),
    },
  ];
}
