/** Names under which documents of the NOC carry secrets. */
const secretNames = new Set([
  ...["community", "password", "passphrase", "secret", "token", "apitoken", "apikey", "api_key", "privatekey", "psk"],
  // SNMPv3: `auth: { sha256: ... }`, `priv: { aes: ... }`.
  ...["md5", "sha1", "sha224", "sha384", "sha512", "des", "aes", "aes192", "aes256", "aes192-cisco", "aes256-cisco"],
]);
const maxDepth = 32;

/**
 * The first place of a document where a secret stands in clear text, as a pointer. What is ordered is kept here, waits at
 * the broker, and lies in copies of both: a secret is sealed to its gateway or it does not travel. A net: names it does not know pass.
 */
export function clearSecretIn(kind: string, content: unknown): string | undefined {
  // Nodes of flows name a secret (`secret: "apiToken"`) and never bring one.
  return search(content, "", kind === "flow" || kind === "template" ? isCredentialOfNode : isSecret, 0);
}

/** Types of SNMP whose text is no secret by itself. */
const plainTextTypes: ReadonlySet<unknown> = new Set(["oid", "ip-address"]);

/** The same for the arguments of an order: text that a SET writes is one (a community, a key) unless the order says `secret: false` of it. */
export function clearSecretOfOrder(op: string, args: Readonly<Record<string, unknown>>): string | undefined {
  const { varbinds } = args;
  if (op !== "snmp.set" || !Array.isArray(varbinds)) return search(args, "", isSecret, 0);
  const found = (varbinds as readonly unknown[]).findIndex((one) => isClearText((one ?? {}) as Readonly<Record<string, unknown>>));
  return found < 0 ? undefined : `/varbinds/${found}/value`;
}

function isClearText({ type, value, hex, secret }: Readonly<Record<string, unknown>>): boolean {
  if (value === undefined && hex === undefined) return false;
  if (typeof value === "object") return false;
  if (typeof secret === "boolean") return secret;
  return hex !== undefined || type === "octet-string" || (typeof value === "string" && !plainTextTypes.has(type));
}

/** Whether what stands under this name, at this path, is a secret in clear text. */
type Judge = (name: string, path: string, value: unknown) => boolean;

const isSecret: Judge = (name, path, value) =>
  typeof value === "string" &&
  value !== "" &&
  (secretNames.has(name.toLowerCase()) || (/\/(auth|priv)$/.test(path) && name.startsWith("sha")) || path.endsWith("/secrets"));

const isCredentialOfNode: Judge = (name, path, value) =>
  (name === "credentials" && typeof value === "object" && value !== null && Object.values(value).some((one) => one !== "")) ||
  (path.endsWith("/secrets") && typeof value === "string");

function search(value: unknown, path: string, judge: Judge, depth: number): string | undefined {
  if (typeof value !== "object" || value === null || depth > maxDepth) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const here = `${path}/${name}`;
    if (judge(name, path, inner)) return here;
    const found = search(inner, here, judge, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
