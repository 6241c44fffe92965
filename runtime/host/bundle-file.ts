import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

/** Most that one file and the whole bundle may have, bytes; what is longer keeps its end, which is the newest. */
const maxFileBytes = 2 * 1024 * 1024;
const maxBundleBytes = 16 * 1024 * 1024;

/** Lines that could hold a secret, whoever wrote them. A net below the rule that secrets are not written in the first place. */
const secretPatterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[private key]"],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:"']+:[^\s/@"']+@/gi, "$1[user]:[password]@"],
  [/\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}/gi, "$1 [token]"],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, "[token]"],
  [
    /((?:pass(?:word|phrase)?|community|secret|token|authKey|privKey|apiKey|privateKey)["']?\s*[:=]\s*)(?!["']?\[)("[^"\n]*"|'[^'\n]*'|[^\s,}\]]+)/gi,
    '$1"[redacted]"',
  ],
];

/** Takes out what looks like a secret, and every one of the secrets that are known, in any place. */
export function redact(text: string, known: readonly string[]): string {
  let clean = text;
  for (const secret of known) if (secret.length >= 4) clean = clean.replaceAll(secret, "[redacted]");
  for (const [pattern, instead] of secretPatterns) clean = clean.replaceAll(pattern, instead);
  return clean;
}

/** Files for people who help, as one .tar.gz: each bounded and redacted, with a manifest of names, lengths and hashes. */
export function bundleOf(files: Readonly<Record<string, string>>, known: readonly string[]): Uint8Array {
  const entries: { readonly name: string; readonly bytes: Buffer; readonly cutBytes: number }[] = [];
  let total = 0;
  for (const [name, text] of Object.entries(files)) {
    const whole = Buffer.from(redact(text, known));
    const room = Math.min(maxFileBytes, maxBundleBytes - total);
    const bytes = whole.subarray(Math.max(0, whole.length - room));
    entries.push({ name, bytes, cutBytes: whole.length - bytes.length });
    total += bytes.length;
  }
  const manifest = entries.map(({ name, bytes, cutBytes }) => ({
    name,
    bytes: bytes.length,
    cutBytes,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  }));
  const all = [{ name: "manifest.json", bytes: Buffer.from(JSON.stringify(manifest, null, 2)) }, ...entries];
  return gzipSync(
    Buffer.concat([
      ...all.flatMap(({ name, bytes }) => [header(name, bytes.length), bytes, Buffer.alloc(-bytes.length & 511)]),
      Buffer.alloc(1_024),
    ]),
  );
}

/** One ustar header. */
function header(name: string, length: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(`support/${name}`, 0, 100);
  block.write("0000600\0", 100);
  block.write("0000000\0".repeat(2), 108);
  block.write(`${length.toString(8).padStart(11, "0")}\0`, 124);
  block.write(`${"0".repeat(11)}\0`, 136);
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((before, byte) => before + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
