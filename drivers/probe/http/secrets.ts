import { failed } from "../failure.ts";

const minScrubbed = 3;
const placeholder = /\$\{([A-Za-z][A-Za-z0-9.]{0,63})\}/g;

/** Names a text refers to by `${name}`. */
export function placeholdersOf(text: string): readonly string[] {
  return [...text.matchAll(placeholder)].map(([, name]) => name ?? "");
}

/** Values that steps may use and nobody may see: of the credential, and taken out of answers. */
export class Secrets {
  readonly #values = new Map<string, string>();
  readonly #hidden = new Set<string>();

  set(name: string, value: string): void {
    this.#values.set(name, value);
    this.hide(value);
  }

  /** Keeps a value out of everything that is shown, as it is and as it looks in a URL. */
  hide(value: string): void {
    if (value.length < minScrubbed || this.#hidden.size > 1_000) return;
    this.#hidden.add(value);
    this.#hidden.add(encodeURIComponent(value));
    this.#hidden.add(new URLSearchParams([["", value]]).toString().slice(1));
  }

  /** Puts values in. @throws failed: request, when a name has no value yet */
  fill(text: string, encode: (value: string) => string = (value) => value): string {
    return text.replaceAll(placeholder, (_all, name: string) => encode(this.get(name)));
  }

  /** @throws failed: request, when there is no such value */
  get(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined) throw failed("request", "assertion", `there is no value for \${${name}}`);
    return value;
  }

  /** For people: every secret value replaced. */
  scrub(text: string): string {
    let result = text;
    for (const hidden of this.#hidden) result = result.replaceAll(hidden, "[secret]");
    return result;
  }
}
