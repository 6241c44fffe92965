import { formsOf } from "./http-order.ts";

const minLength = 4;
const maxSecrets = 500;
/** So long a word of small letters may be a word of any sentence ("public", "monitoring"): taken out by value it would take sentences apart. */
const longestWord = 11;

/** Secrets that can be looked for by value, and every writing of them, the longest first. */
export interface SecretForms {
  readonly secrets: readonly string[];
  readonly forms: readonly string[];
  /** undefined = nothing to look for. */
  readonly pattern: RegExp | undefined;
}

/** @param secrets shorter ones than four characters cannot be told from anything and are left out; of 500 the rest is */
export function secretForms(secrets: readonly string[]): SecretForms {
  const kept = [...new Set(secrets)].filter((one) => one.length >= minLength).slice(0, maxSecrets);
  const forms = [...new Set(kept.flatMap(formsOf))].filter((form) => form.length >= minLength).toSorted((a, b) => b.length - a.length);
  const pattern = forms.length === 0 ? undefined : new RegExp(forms.map(quoted).join("|"), "g");
  return { secrets: kept, forms, pattern };
}

/** Without what may be an ordinary word: nobody says of a value of the configuration where it stands by mistake and where as a word. */
export function withoutWords(secrets: readonly string[]): readonly string[] {
  return secrets.filter((one) => !/^[a-z]*$/.test(one) || one.length > longestWord);
}

function quoted(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
