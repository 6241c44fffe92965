import type { FastifyInstance } from "fastify";
import type { ApiContext } from "./context.ts";

interface ConnectorPath {
  readonly Params: { readonly connector: string };
}

const limitQuery = {
  schema: { querystring: { type: "object", properties: { limit: { type: "integer", minimum: 1, maximum: 1_000, default: 100 } } } },
};

/** What goes on to other systems, and what did not get there. */
export function addConnectorRoutes(app: FastifyInstance, { connectors }: ApiContext): void {
  app.get("/api/connectors", async () => ({ connectors: await connectors.view() }));
  app.get<ConnectorPath & { Querystring: { limit: number } }>("/api/connectors/:connector/dead-letters", limitQuery, async (request) => ({
    deadLetters: await connectors.deadLetters(request.params.connector, request.query.limit),
  }));
  app.post<ConnectorPath>("/api/connectors/:connector/retry", async (request) => ({
    revived: await connectors.retry(request.params.connector),
  }));
}
