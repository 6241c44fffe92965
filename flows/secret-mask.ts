import type { FlowNode } from "./protocol.ts";
import { secretForms, withoutWords } from "./secret-forms.ts";

/** What stands where a secret stood. A flow with it is no flow to be pushed: it is refused with the advice to name a secret. */
export const mask = "[secret]";

/** Keys that hold ids, types and places; masking them would make another flow of it. */
const structural = new Set(["id", "z", "g", "type", "wires", "links", "nodes", "in", "out", "scope", "x", "y", "w", "h"]);
const codeKeys = new Set(["func", "initialize", "finalize"]);
/** Headers of `http call` that say nothing worth hiding; every other value is masked. */
const openHeaders = new Set(["accept", "accept-encoding", "accept-language", "cache-control", "content-type", "user-agent"]);
const names =
  "(?:pass(?:word|phrase|code|wd)?|pwd|secret|token|authorization|x-auth|community|credentials?|cookie|(?:api|access|auth|priv|private|secret)[-_ ]?key)";
const secretName = new RegExp(`${names}$`, "i");
const reference = /^(?:\{\{[^{}]*\}\}|\$\{[^{}]*\})?$/;
const isReference = (text: string) => reference.test(text.trim());
/** An identifier or a path of them in code: where a value comes from, not the value. */
const identifierPath = /^[A-Za-z_$]+(?:[.([]|$)/;
const minKnownLength = 4;
const maxKnown = 500;

interface TextRule {
  readonly pattern: RegExp;
  /** Named group `secret` is what is masked. */
  holds(secret: string, isCode: boolean): boolean;
}

const always = () => true;
const textRules: readonly TextRule[] = [
  { pattern: /(?<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$))/dg, holds: always },
  { pattern: /\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/@:"']{0,256}:(?<secret>[^\s/@"']{1,256})@/dgi, holds: always },
  {
    pattern: /\b(?:bearer|basic)\s{1,9}(?<secret>[A-Za-z0-9+/=._~-]{6,})/dgi,
    holds: (text) => /[0-9=A-Z]/.test(text) || text.length >= 16,
  },
  // `password = "..."`, `"password": "..."`, `headers["x-api-key"] = '...'`, `set("token", "...")`, also inside of quoted JSON.
  {
    pattern: new RegExp(
      `${names}\\\\?["'\`]?\\s{0,9}[\\])]?\\s{0,9}(?:[:=]{1,3}|,)\\s{0,9}\\\\?(?<quote>["'\`])(?<secret>(?:(?!\\\\?\\k<quote>).|\\\\.){1,2048}?)\\\\?\\k<quote>`,
      "dgi",
    ),
    holds: (text) => !isReference(text),
  },
  {
    pattern: new RegExp(`${names}\\s{0,9}[:=]\\s{0,9}(?<secret>[^\\s"'\`,;&(){}\\[\\]\\\\]{4,512})`, "dgi"),
    holds: (text, isCode) => !isCode || !identifierPath.test(text),
  },
  { pattern: /\b(?<secret>(?:gh[pousr]_|xox[abp]-|AKIA|sk-|eyJ)[A-Za-z0-9._-]{12,})/dg, holds: always },
  { pattern: /(?<secret>[A-Za-z0-9+/=_-]{20,})/dg, holds: isRandom },
];

/** Long, of letters and digits: nobody's word. A path of an address is one, unless no part of it is a word. */
function isRandom(text: string): boolean {
  if ((text.match(/\d/g)?.length ?? 0) < 4 || (text.match(/[A-Za-z]/g)?.length ?? 0) < 4) return false;
  return !text.includes("/") || !/(?:^|[/_-])[a-z]{3,}(?:$|[/_-])/.test(text);
}

/** A technician's nodes as others may see them. */
export interface MaskedNodes {
  readonly nodes: readonly FlowNode[];
  /** `NODE/PROPERTY` of everything that was masked. */
  readonly places: readonly string[];
  /** What was masked, at most 500. */
  readonly secrets: readonly string[];
}

const seen = new WeakMap<readonly FlowNode[], { readonly ofGateway: readonly string[]; readonly result: MaskedNodes }>();
const none: readonly string[] = [];

/**
 * Masks what the gateway itself keeps secret, by value and in every writing; then what looks like a secret: by the name it is given, by its form, and
 * every header of `http call`. Credentials are taken out. The first is certain but for plain words; the second is a net for mistakes, not a proof: a
 * short word under a harmless name is taken for a word.
 */
export function maskedNodes(nodes: readonly FlowNode[], ofGateway: readonly string[] = none): MaskedNodes {
  const known = seen.get(nodes);
  if (known?.ofGateway === ofGateway) return known.result;
  const secrets = new Set<string>();
  const places = new Set<string>();
  const { pattern } = secretForms(withoutWords(ofGateway));
  const masked = nodes.map((node) => {
    const found = new Masking(pattern, (secret, property) => {
      places.add(`${node.id}/${property}`);
      if (secret.length >= minKnownLength && secrets.size < maxKnown) secrets.add(secret);
    });
    return found.node(node);
  });
  const result = { nodes: masked, places: [...places], secrets: [...secrets] };
  seen.set(nodes, { ofGateway, result });
  return result;
}

class Masking {
  readonly #found: (secret: string, property: string) => void;
  /** Of what is known by value. */
  readonly #pattern: RegExp | undefined;
  #property = "";

  constructor(pattern: RegExp | undefined, found: (secret: string, property: string) => void) {
    this.#pattern = pattern;
    this.#found = found;
  }

  node(node: FlowNode): FlowNode {
    const { credentials: _kept, ...rest } = node;
    const entries = Object.entries(rest).map(([key, value]) => {
      this.#property = key;
      if (structural.has(key)) return [key, value];
      if (node.type === "http call" && key === "headers") return [key, this.#headers(value)];
      return [key, this.#value(key, value)];
    });
    return Object.fromEntries(entries) as FlowNode;
  }

  #value(name: string, value: unknown): unknown {
    if (typeof value === "string") return secretName.test(name) ? this.#whole(value) : this.#text(value);
    if (typeof value === "number") return secretName.test(name) ? this.#whole(String(value)) : value;
    if (Array.isArray(value)) return value.map((inner) => this.#value(name, inner));
    if (typeof value !== "object" || value === null) return value;
    const pair = value as Readonly<Record<string, unknown>>;
    // `{ name: "password", value: "..." }` of environments, `{ p: ..., v: ... }` of inject, `{ p: ..., to: ... }` of change.
    const named = [pair["name"], pair["key"], pair["p"]].find((one) => typeof one === "string" && secretName.test(one));
    const isSecret = named !== undefined || pair["type"] === "cred";
    const entries = Object.entries(pair).map(([key, inner]) => [
      key,
      isSecret && ["value", "v", "to", "val"].includes(key) ? this.#value("secret", inner) : this.#value(key, inner),
    ]);
    return Object.fromEntries(entries) as unknown;
  }

  #headers(value: unknown): unknown {
    const asText = typeof value === "string";
    const headers = asText ? parsed(value) : value;
    if (typeof headers !== "object" || headers === null || Array.isArray(headers)) return this.#value("headers", value);
    const entries = Object.entries(headers).map(([name, inner]) => [
      name,
      openHeaders.has(name.toLowerCase()) ? this.#value("header", inner) : this.#value("secret", inner),
    ]);
    const masked: unknown = Object.fromEntries(entries);
    // As it was written where nothing is hidden.
    return asText ? (JSON.stringify(masked) === JSON.stringify(headers) ? value : JSON.stringify(masked)) : masked;
  }

  #whole(text: string): string {
    if (text === mask || isReference(text)) return text;
    this.#found(text, this.#property);
    // `Bearer ...`: a server that tells it back may leave the word out.
    const bare = text.replace(/^(?:bearer|basic)\s+/i, "");
    if (bare !== text) this.#found(bare, this.#property);
    return mask;
  }

  #known(text: string): string {
    if (this.#pattern === undefined) return text;
    return text.replace(this.#pattern, (secret) => {
      this.#found(secret, this.#property);
      return mask;
    });
  }

  #text(given: string): string {
    const isCode = codeKeys.has(this.#property);
    const text = this.#known(given);
    return textRules.reduce((rest, rule) => {
      let out = "";
      let from = 0;
      for (const match of rest.matchAll(rule.pattern)) {
        const [begin, end] = match.indices?.groups?.["secret"] ?? [0, 0];
        const secret = rest.slice(begin, end);
        if (secret === "" || secret.includes(mask) || mask.includes(secret) || !rule.holds(secret, isCode)) continue;
        this.#found(secret, this.#property);
        out += rest.slice(from, begin) + mask;
        from = end;
      }
      return out + rest.slice(from);
    }, text);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: it is looked through as text.
    return undefined;
  }
}
