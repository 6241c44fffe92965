import { GatewayError } from "#model/errors.ts";
import type { SecretOpener } from "#ports/secret-opener.ts";

type Fields = Readonly<Record<string, unknown>>;

const maxVarbinds = 100;

/** Types whose text is no secret by itself. */
const plainTextTypes: ReadonlySet<unknown> = new Set(["oid", "ip-address"]);
const known: ReadonlySet<string> = new Set(["oid", "type", "value", "hex", "secret"]);

/**
 * Whether nobody but the equipment may learn the value: text is taken for a secret (a community, a key) unless the order says `secret: false`,
 * anything else only if it says `secret: true`. What is sealed is one.
 */
function isSecret({ type, value, hex, secret, withheld }: Fields): boolean {
  if (withheld === true || sealedOf(value) !== undefined) return true;
  if (typeof secret === "boolean") return secret;
  return type === "octet-string" || hex !== undefined || (typeof value === "string" && !plainTextTypes.has(type));
}

/** Arguments of `snmp.set` as they may be written down: objects, types and lengths; values only of what is no secret, or sealed to this gateway. */
export function rememberedOrder(args: Fields): Fields {
  const { varbinds } = args;
  if (!Array.isArray(varbinds)) return {};
  const isShown = (one: Fields) => sealedOf(one["value"]) !== undefined || !isSecret(one);
  const isPlain = varbinds.every((one) => isFields(one) && isShown(one) && Object.keys(one).every((key) => known.has(key)));
  if (isPlain && Object.keys(args).length === 1) return args;
  return { varbinds: varbinds.slice(0, maxVarbinds).map(rememberedVarbind) };
}

const maxNamed = 4;

/** The objects, for the audit: `1.3.6.1.2.1.1.5.0, 1.3.6.1.2.1.1.6.0 and 3 more`. */
export function objectsOf({ varbinds }: Fields): string {
  const oids = Array.isArray(varbinds) ? varbinds.filter(isFields).map(({ oid }) => bare(oid).slice(0, 128)) : [];
  const more = oids.length > maxNamed ? ` and ${oids.length - maxNamed} more` : "";
  return `${oids.slice(0, maxNamed).join(", ")}${more}`;
}

function rememberedVarbind(entry: unknown): Fields {
  if (!isFields(entry)) return {};
  const { oid, type, value, hex, secret } = entry;
  const head = { oid, type, ...(secret === undefined ? {} : { secret }) };
  if (sealedOf(value) !== undefined) return { ...head, value: { $sealed: sealedOf(value) } };
  if (!isSecret(entry)) return { ...head, ...(value === undefined ? {} : { value }), ...(hex === undefined ? {} : { hex }) };
  return { ...head, withheld: true, ...lengthOf(entry) };
}

function lengthOf({ value, hex, octets }: Fields): Fields {
  if (typeof hex === "string") return { octets: Math.floor(hex.length / 2) };
  if (typeof value === "string") return { octets: Buffer.byteLength(value) };
  return typeof octets === "number" ? { octets } : {};
}

/** The driver's record of a SET (before, ordered, after) without the values of secrets, whoever asks for it. */
export function rememberedRecord(output: unknown, args: Fields): unknown {
  if (!isFields(output)) return output;
  const { varbinds } = args;
  const orders = Array.isArray(varbinds) ? varbinds.filter(isFields) : [];
  const secrets = new Set(orders.filter(isSecret).map(({ oid }) => bare(oid)));
  return Object.fromEntries(
    Object.entries(output).map(([name, list]) => [
      name,
      Array.isArray(list) ? list.map((one: unknown) => (isFields(one) && secrets.has(bare(one["oid"])) ? rememberedRead(one) : one)) : list,
    ]),
  );
}

function rememberedRead(read: Fields): Fields {
  const { oid, type } = read;
  return { oid, type, withheld: true, ...lengthOf(read) };
}

/** Opens what was sealed to this gateway. @throws GatewayError config.secret | command.refused */
export async function openedOrder(args: Fields, opener: SecretOpener | undefined): Promise<Fields> {
  const { varbinds } = args;
  if (!Array.isArray(varbinds)) return args;
  const opened: unknown[] = [];
  for (const entry of varbinds as readonly unknown[]) {
    const sealed = isFields(entry) ? sealedOf(entry["value"]) : undefined;
    if (sealed === undefined || !isFields(entry)) opened.push(entry);
    else if (opener === undefined) throw new GatewayError("command.refused", { message: "this gateway opens no sealed values" });
    else opened.push({ ...entry, value: await opener.open(sealed) });
  }
  return { ...args, varbinds: opened };
}

function sealedOf(value: unknown): string | undefined {
  const sealed = isFields(value) ? value["$sealed"] : undefined;
  return typeof sealed === "string" ? sealed : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bare(oid: unknown): string {
  return typeof oid === "string" ? oid.replace(/^\./, "") : "";
}
