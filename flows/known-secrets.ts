import { createDecipheriv, createHash } from "node:crypto";
import type { FlowNode, FromHost } from "./protocol.ts";
import { type SecretForms, secretForms, withoutWords } from "./secret-forms.ts";
import { mask, maskedNodes } from "./secret-mask.ts";

/** Texts of the host are cut at 200 to 500 characters: of a secret at that place a beginning may be left. */
const cutFrom = 190;
const minCutLength = 4;

/** What a flow says for people and the NOC to read. All other orders do what they are for: their arguments stay. */
const telling = new Set(["alarm.set", "alarm.clear", "notify", "metric.put"]);

/**
 * Secrets that are known by value: those of the gateway's own configuration, what technicians typed into credential fields, and what looks like a secret
 * in their nodes. They are taken out of whatever the flow host says: logs, statuses, alarms, notices, metrics, results, last words.
 */
export class KnownSecrets {
  #clear: readonly string[] = [];
  /** Of the set before: it may still be running. */
  #before: readonly string[] = [];
  #credentials: readonly string[] = [];
  readonly #ofGateway: () => readonly string[];
  /** The list that was compiled. */
  #seen: readonly string[] = [];
  #known: SecretForms = secretForms([]);

  /** @param ofGateway the gateway's own; another list when they change */
  constructor(ofGateway: () => readonly string[] = () => []) {
    this.#ofGateway = ofGateway;
  }

  /** What a set of nodes holds, its typed credentials as well; for this and the next set. */
  ofNodes(nodes: readonly FlowNode[]): void {
    this.#before = this.#clear;
    this.#clear = [...nodes.flatMap(({ credentials }) => textsOf(credentials)), ...maskedNodes(nodes, this.#ofGateway()).secrets];
    this.#compile();
  }

  /** What Node-RED keeps encrypted. @param kept as it was given to be kept @param key the setting `credentialSecret` */
  ofCredentials(kept: unknown, key: string): void {
    this.#credentials = textsOf(opened(kept, key));
    this.#compile();
  }

  taken(text: string): string {
    const { pattern } = this.#current();
    if (pattern === undefined) return text;
    const rest = text.replace(pattern, mask);
    return rest.length < cutFrom ? rest : this.#withoutBeginning(rest);
  }

  /** A message of the flow host as it may go on. */
  takenOf(message: FromHost): FromHost {
    if (this.#current().pattern === undefined) return message;
    switch (message.t) {
      case "log":
      case "status":
        return { ...message, text: this.taken(message.text) };
      case "deployed":
      case "editor":
        return message.error === undefined ? message : { ...message, error: this.taken(message.error) };
      case "result":
        return {
          ...message,
          ...(message.value === undefined ? {} : { value: this.#inside(message.value, 0) }),
          ...(message.error === undefined ? {} : { error: this.taken(message.error) }),
        };
      case "order":
        return telling.has(message.operation) && message.service !== "editor"
          ? { ...message, arguments: this.#inside(message.arguments, 0) as typeof message.arguments }
          : message;
      default:
        return message;
    }
  }

  #compile(): void {
    this.#seen = this.#ofGateway();
    const all = [...this.#credentials, ...this.#clear, ...this.#before, ...withoutWords(this.#seen)];
    this.#known = secretForms(all.filter((one) => !mask.includes(one)));
  }

  /** As of now: the gateway's own may have changed. */
  #current(): SecretForms {
    if (this.#ofGateway() !== this.#seen) this.#compile();
    return this.#known;
  }

  #withoutBeginning(text: string): string {
    for (const form of this.#known.forms) {
      const begin = form.slice(0, minCutLength);
      const first = Math.max(0, text.length - form.length);
      for (let at = text.indexOf(begin, first); at >= 0; at = text.indexOf(begin, at + 1))
        if (form.startsWith(text.slice(at))) return text.slice(0, at) + mask;
    }
    return text;
  }

  #inside(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.taken(value);
    if (typeof value === "number") return this.#known.secrets.includes(String(value)) ? mask : value;
    if (typeof value !== "object" || value === null) return value;
    // Deeper than anybody writes by hand; what lies there is not told.
    if (depth > 24) return mask;
    if (Array.isArray(value)) return value.map((inner) => this.#inside(inner, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [this.taken(key), this.#inside(inner, depth + 1)]));
  }
}

/** Every text in credentials, but for the editor's own "it stays as it was". */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return value === "__PWRD__" || value.length > 8_192 ? [] : [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** Node-RED 5.0.7, @node-red/runtime/lib/nodes/credentials.js: `{ "$": 32 hexadecimal digits of the IV, AES-256-CTR in base64 }`. */
function opened(kept: unknown, key: string): unknown {
  const text = typeof kept === "object" && kept !== null ? (kept as { readonly $?: unknown }).$ : undefined;
  if (typeof text !== "string") return kept;
  try {
    const iv = Buffer.from(text.slice(0, 32), "hex");
    const decipher = createDecipheriv("aes-256-ctr", createHash("sha256").update(key).digest(), iv);
    return JSON.parse(decipher.update(text.slice(32), "base64", "utf8") + decipher.final("utf8"));
  } catch {
    // Under another key, or damaged: Node-RED cannot read it either, so no flow knows it.
    return undefined;
  }
}
