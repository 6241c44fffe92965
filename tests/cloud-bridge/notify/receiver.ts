import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { isSignedBy } from "../../../cloud-bridge/protocol/webhook/signature.ts";

export interface Received {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly id: string;
  readonly event: Readonly<Record<string, unknown>>;
  readonly isSigned: boolean;
}

export type Answer = (response: ServerResponse, received: Received) => void;

/** A real HTTP receiver as an integrator would write it: checks the signature and counts ids that it has had already. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  /** Requests whose id was taken before. */
  duplicates = 0;
  badSignatures = 0;
  /** How it answers; 204 by default. */
  answer: Answer = (response) => void response.writeHead(204).end();
  readonly #server: Server;
  readonly #secret: string;
  readonly #scheme: string;
  readonly #taken = new Set<string>();

  private constructor(secret: string, tls?: { readonly key: string; readonly cert: string }) {
    this.#secret = secret;
    this.#scheme = tls === undefined ? "http" : "https";
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#take(request, response);
    this.#server = tls === undefined ? createHttp(handle) : createHttps(tls, handle);
  }

  static async start(secret: string, tls?: { readonly key: string; readonly cert: string }, port = 0): Promise<WebhookReceiver> {
    const made = new WebhookReceiver(secret, tls);
    await new Promise<void>((resolve) => made.#server.listen(port, "127.0.0.1", resolve));
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://localhost:${this.port}/alarms?team=noc`;
  }

  /** Types and texts as they came, in order. */
  get story(): readonly string[] {
    return this.received.map(
      ({ event }) => `${String(event["type"]).split(".").at(-2)} ${String((event["data"] as { text?: string }).text)}`,
    );
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request) body += String(piece);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const isSigned = isSignedBy(this.#secret, headers, body);
    const event = JSON.parse(body) as Record<string, unknown>;
    const one: Received = { headers, body, id: String(headers["webhook-id"]), event, isSigned };
    if (!isSigned) this.badSignatures += 1;
    const identity = `${String(event["source"])} ${String(event["id"])}`;
    if (this.#taken.has(identity)) this.duplicates += 1;
    response.on("finish", () => response.statusCode < 300 && this.#taken.add(identity));
    this.received.push(one);
    this.answer(response, one);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }
}
