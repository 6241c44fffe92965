import type { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import type { ConnectorView } from "../../cloud-bridge/noc/connectors/connectors.ts";
import type { CommandContext } from "./context.ts";
import type { Asked } from "./noc-asked.ts";
import { renderTable } from "./render.ts";

/** `noc connectors` */
export async function printConnectors(
  client: NocClient,
  options: Asked & { readonly retry?: string },
  context: CommandContext,
): Promise<void> {
  const signal = context.stopSignal();
  if (options.retry !== undefined) {
    const { revived } = await client.post<{ readonly revived: number }>(
      `/api/connectors/${encodeURIComponent(options.retry)}/retry`,
      signal,
    );
    context.print(options.json === true ? `${JSON.stringify({ revived })}\n` : `${revived} messages are tried again\n`);
    return;
  }
  const { connectors } = await client.get<{ readonly connectors: readonly ConnectorView[] }>("/api/connectors", {}, signal);
  if (options.json === true) {
    context.print(`${JSON.stringify(connectors, null, 2)}\n`);
    return;
  }
  const rows = connectors.map(({ lastError, ...one }) => ({
    ...one,
    lastError: lastError === undefined ? "" : `${lastError.code}: ${lastError.reason}`,
  }));
  context.print(rows.length === 0 ? "no connectors; see noc serve --config\n" : renderTable(rows));
}
