import { GatewayError } from "#model/errors.ts";

export interface NocClientOptions {
  readonly url: string;
  readonly token: string;
}

/** Longest answer that is read, bytes. */
const maxAnswerBytes = 64 * 1_048_576;

/** Asks a running NOC's end. @throws GatewayError noc.unreachable | noc.denied | noc.invalid */
export class NocClient {
  readonly #options: NocClientOptions;

  constructor(options: NocClientOptions) {
    this.#options = options;
  }

  /** JSON of a GET; the caller names the type that belongs to the path. */
  async get<T>(path: string, parameters: Readonly<Record<string, string | number | boolean | undefined>>, signal: AbortSignal): Promise<T> {
    const url = this.#url(path);
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, String(value));
    const response = await this.#fetch(url, { method: "GET", signal });
    return (await this.#json(response)) as T;
  }

  /** @param body JSON; absent = none */
  async post<T>(path: string, signal: AbortSignal, body?: Readonly<Record<string, unknown>>): Promise<T> {
    const init = body === undefined ? { method: "POST", signal } : { method: "POST", signal, body: JSON.stringify(body) };
    return (await this.#json(await this.#fetch(this.#url(path), init))) as T;
  }

  async remove(path: string, signal: AbortSignal): Promise<void> {
    await this.#json(await this.#fetch(this.#url(path), { method: "DELETE", signal }));
  }

  /** A request with a JSON body. */
  async send<T>(method: "POST" | "PUT" | "DELETE", path: string, body: unknown, signal: AbortSignal): Promise<T> {
    const init = { method, body: JSON.stringify(body), signal };
    return (await this.#json(await this.#fetch(this.#url(path), init))) as T;
  }

  /** Names of gateways that changed (`tenant/id`, or `*`), as the server announces them; ends with the connection. */
  async *changes(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    const response = await this.#fetch(this.#url("/api/live"), { method: "GET", signal });
    if (response.body === null) return;
    let text = "";
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text = (text + part).slice(-65_536);
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        // From here on nothing is missed; what happened before may have been.
        if (event.startsWith("event: hello")) yield ["*"];
        const data = /^event: changed\ndata: (.*)$/m.exec(event)?.[1];
        if (data !== undefined) yield JSON.parse(data) as readonly string[];
      }
    }
  }

  #url(path: string): URL {
    try {
      return new URL(path, this.#options.url);
    } catch (cause) {
      throw new GatewayError("noc.invalid", { message: "the NOC's address is not a URL", cause });
    }
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(url, {
        ...init,
        redirect: "error",
        headers: {
          authorization: `Bearer ${this.#options.token}`,
          ...(init.body === undefined ? {} : { "content-type": "application/json" }),
        },
      });
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause;
      throw new GatewayError("noc.unreachable", { message: `no answer from ${url.origin}`, cause });
    }
    if (response.ok) return response;
    const message = await messageOf(response);
    throw new GatewayError(response.status === 401 ? "noc.denied" : response.status < 500 ? "noc.invalid" : "noc.unreachable", { message });
  }

  async #json(response: Response): Promise<unknown> {
    const length = Number(response.headers.get("content-length") ?? 0);
    if (length > maxAnswerBytes) throw new GatewayError("noc.unreachable", { message: "the answer is too long" });
    const text = await response.text();
    try {
      return text === "" ? undefined : (JSON.parse(text) as unknown);
    } catch (cause) {
      throw new GatewayError("noc.unreachable", { message: "the answer is not JSON; is this the NOC's end?", cause });
    }
  }
}

async function messageOf(response: Response): Promise<string> {
  const text = (await response.text()).slice(0, 4_096);
  try {
    const body = JSON.parse(text) as { readonly error?: { readonly message?: unknown } };
    if (typeof body.error?.message === "string") return body.error.message;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  return `the NOC's end answered with status ${response.status}`;
}
