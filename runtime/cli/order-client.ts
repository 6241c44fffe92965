import type { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import type { CommandContext } from "./context.ts";
import { renderTree } from "./render.ts";

/** The NOC to ask. @throws GatewayError noc.denied */
export async function client(options: OrderOptions): Promise<NocClient> {
  const { NocClient: Client } = await import("../../cloud-bridge/noc/api/client.ts");
  const { readToken } = await import("../../cloud-bridge/noc/store/open-token.ts");
  return new Client({ url: options.url, token: readToken(options.tokenFile) });
}

/** An address below one gateway. */
export function path(gateway: string, rest: string, options: OrderOptions): string {
  const query = options.tenant === undefined ? "" : `?tenant=${encodeURIComponent(options.tenant)}`;
  return `/api/gateways/${encodeURIComponent(gateway)}/${rest}${query}`;
}

/** JSON, or for people. */
export function show(value: unknown, options: OrderOptions, context: CommandContext): void {
  context.print(options.json === true ? `${JSON.stringify(value, null, 2)}\n` : renderTree(value));
}

/** Options of every command that orders something at a running NOC's end. */
export interface OrderOptions {
  readonly url: string;
  readonly tokenFile: string;
  readonly tenant?: string;
  readonly json?: boolean;
  readonly wait: boolean;
}
