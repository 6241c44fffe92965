/** One answer of a gateway's editor, kept with the tag of its content. */
export interface KeptAnswer {
  readonly tag: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const maxBytes = 32 * 1_048_576;
export const maxKeptAnswerBytes = 4 * 1_048_576;
const kept = /^(?:nodes|icons|icons\/.*|locales\/.*|theme\/.*|resources\/.*|settings\/user)(?:\?.*)?$/;

/** What nodes, locales and icons answer, per gateway: asked again by tag, carried again only when it changed. The oldest goes first. */
export class AnswerCache {
  readonly #answers = new Map<string, KeptAnswer>();
  #bytes = 0;

  /** Whether answers to this path are worth keeping. */
  isKept(path: string): boolean {
    return kept.test(path);
  }

  get(key: string): KeptAnswer | undefined {
    const found = this.#answers.get(key);
    if (found !== undefined) {
      this.#answers.delete(key);
      this.#answers.set(key, found);
    }
    return found;
  }

  put(key: string, answer: KeptAnswer): void {
    this.#drop(key);
    if (answer.body.length > maxKeptAnswerBytes) return;
    this.#answers.set(key, answer);
    this.#bytes += answer.body.length;
    for (const oldest of this.#answers.keys()) {
      if (this.#bytes <= maxBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#answers.get(key)?.body.length ?? 0;
    this.#answers.delete(key);
  }
}
