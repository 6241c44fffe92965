const decoder = new TextDecoder("utf-8", { fatal: false });

/**
 * Octets as text for people: UTF-8 where they are, hexadecimal where they are not; control characters become spaces, trailing NULs go.
 * @param maxLength UTF-16 units, an ellipsis included
 */
export function printable(octets: Uint8Array, maxLength: number): string {
  let end = octets.length;
  while (end > 0 && octets[end - 1] === 0) end -= 1;
  const part = octets.subarray(0, Math.min(end, maxLength * 4));
  const text = decoder.decode(part);
  if (isText(text)) return clip(text.replaceAll(controls, " "), maxLength);
  return clip(Buffer.from(octets.subarray(0, maxLength)).toString("hex"), maxLength);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** More than a tenth of replacement or control characters = not text. */
function isText(text: string): boolean {
  let odd = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0xfffd || (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) || code === 0x7f) odd += 1;
  }
  return odd * 10 <= text.length;
}

/** Cuts between characters, not within a surrogate pair. */
export function clip(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const cut = text.slice(0, maxLength - 1);
  const last = cut.charCodeAt(cut.length - 1);
  return `${last >= 0xd800 && last <= 0xdbff ? cut.slice(0, -1) : cut}…`;
}

/** Replaces control characters and direction overrides: what a log line or a page must not execute. */
export function withoutControls(text: string): string {
  return text.replaceAll(controls, " ");
}
