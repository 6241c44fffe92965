import { GatewayError } from "#model/errors.ts";

const requestTimeoutMs = 20_000;

export interface DemoLedger {
  readonly delivered: number;
  readonly chunks: number;
  readonly duplicates: number;
  readonly missing: number;
  readonly gaps: { readonly records: number; readonly samples: number };
  readonly recount?: {
    readonly chunks: number;
    readonly samples: number;
    readonly unreadable: number;
    /** Samples of the asked metric per equipment. */
    readonly byEquipment?: Readonly<Record<string, number>>;
  };
}

/** The demo's view of the NOC's end: only what anybody with the token can ask over HTTP. */
export class NocClient {
  readonly url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  /** undefined while the gateway is not known there. @throws GatewayError noc.unreachable | noc.denied */
  ledger(gateway: string, metric?: string): Promise<DemoLedger | undefined> {
    const query = metric === undefined ? "" : `?recount=true&metric=${encodeURIComponent(metric)}`;
    return this.#get<DemoLedger>(`/api/gateways/${gateway}/ledger${query}`);
  }

  /** A link that signs one browser in, once. */
  async signInLink(): Promise<string> {
    const answer = await this.#ask<{ readonly url: string }>("/api/sign-in-links", { method: "POST" });
    return answer?.url ?? this.url;
  }

  #get<T>(path: string): Promise<T | undefined> {
    return this.#ask<T>(path, { method: "GET" });
  }

  async #ask<T>(path: string, init: { readonly method: string }): Promise<T | undefined> {
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
    } catch (cause) {
      throw new GatewayError("noc.unreachable", { message: `the NOC's end at ${this.url} does not answer`, cause });
    }
    if (response.status === 401 || response.status === 403) throw new GatewayError("noc.denied");
    if (!response.ok) return undefined;
    return (await response.json()) as T;
  }
}

/** Answers with sysUpTime per device, counted by the simulated agents themselves. @throws GatewayError noc.unreachable */
export async function pollsAtAgents(controlPort: number): Promise<Readonly<Record<string, number>>> {
  const response = await fetch(`http://127.0.0.1:${controlPort}/counts`, { signal: AbortSignal.timeout(requestTimeoutMs) });
  const body = (await response.json()) as { readonly devices: Readonly<Record<string, { readonly upTimeReads: number }>> };
  return Object.fromEntries(Object.entries(body.devices).map(([id, counts]) => [id, counts.upTimeReads]));
}
