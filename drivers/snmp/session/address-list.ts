/** Begins a short form; other texts never begin with it. */
const mark = "\0";
const form = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
/** A character of the short form that is no step. */
const noAddress = 254;
const wholeAddress = 255;
const addressBytes = 6;

/**
 * Hardware addresses of the ports of one device as one text: in a short form, as mostly each is the one before plus one, so that a character does for it
 * instead of eighteen; in lines where something else stands among them.
 */
export function textOfAddresses(values: readonly string[]): string {
  return shortForm(values) ?? values.join("\n").replace(mark, " ");
}

function shortForm(values: readonly string[]): string | undefined {
  const codes: number[] = [];
  let before = Number.NaN;
  for (const value of values) {
    if (value === "") {
      codes.push(noAddress);
      continue;
    }
    if (!form.test(value)) return undefined;
    const hex = value.replaceAll(":", "");
    const address = Number.parseInt(hex, 16);
    const step = address - before;
    if (step >= 0 && step < noAddress) codes.push(step);
    else codes.push(wholeAddress, ...Buffer.from(hex, "hex"));
    before = address;
  }
  // In one piece: a text that was added to is a chain of its parts.
  return Buffer.from([mark.charCodeAt(0), ...codes]).toString("latin1");
}

/** The addresses of a short form; undefined = it is none. */
export function addressesIn(text: string): readonly string[] | undefined {
  if (!text.startsWith(mark)) return undefined;
  const values: string[] = [];
  let before = Number.NaN;
  for (let at = mark.length; at < text.length; at++) {
    const step = text.charCodeAt(at);
    if (step === noAddress) {
      values.push("");
      continue;
    }
    if (step === wholeAddress) {
      before = Number.parseInt(Buffer.from(text.slice(at + 1, at + 1 + addressBytes), "latin1").toString("hex"), 16);
      at += addressBytes;
    } else before += step;
    const hex = before.toString(16).padStart(2 * addressBytes, "0");
    values.push(hex.replace(/..(?=.)/g, "$&:"));
  }
  return values;
}
