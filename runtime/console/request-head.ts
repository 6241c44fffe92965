/** The first lines of an HTTP/1.1 request, as far as the front door needs them. Header names in lower case; of repeated ones the first. */
export interface RequestHead {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** RFC 9112 section 2.2: the empty line that ends the head. */
const end = "\r\n\r\n";
const maxHeaders = 64;

/** Where the body begins; -1 = the head is not complete. */
export function headLength(bytes: Uint8Array): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(end);
  return at < 0 ? -1 : at + end.length;
}

/** Reads a complete head. undefined = not HTTP/1.1, or stranger than a browser is. */
export function parseHead(bytes: Uint8Array): RequestHead | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const [first = "", ...lines] = text.slice(0, text.indexOf(end)).split("\r\n");
  const request = /^([A-Z]{3,8}) (\/[\x21-\x7e]{0,4095}) HTTP\/1\.1$/.exec(first);
  if (request === null || lines.length > maxHeaders) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const header = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):(.*)$/.exec(line);
    if (header === null) return undefined;
    const name = (header[1] ?? "").toLowerCase();
    if (!headers.has(name)) headers.set(name, (header[2] ?? "").trim());
  }
  const [method, target] = [request[1] ?? "", request[2] ?? ""];
  return { method, target, headers };
}

/** The value of one cookie in a Cookie header; undefined = not there. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? "").slice(0, 4_096).split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name) return value;
  }
  return undefined;
}
