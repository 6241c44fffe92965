import type { FastifyInstance } from "fastify";
import { GatewayError } from "#model/errors.ts";
import type { NocAuthority } from "../authority/noc-authority.ts";
import { actorOf } from "./authority-routes.ts";
import type { ApiContext } from "./context.ts";

interface Path {
  readonly Params: { readonly gateway: string };
  readonly Querystring: { readonly tenant?: string };
}

/** The way into the flow editor of a gateway: answers with a link that lets one browser in, once, within a minute. */
export function addEditorRoutes(app: FastifyInstance, context: ApiContext, authority: NocAuthority): void {
  const querystring = { type: "object", properties: { tenant: { type: "string", maxLength: 128 } } } as const;
  app.post<Path>("/api/gateways/:gateway/editor", { schema: { querystring } }, async (request) => {
    const { editor } = context;
    if (editor === undefined)
      throw new GatewayError("noc.invalid", { message: "this NOC opens no editors: start it with --editor-listen" });
    const row = await context.store.read.gateway(request.query.tenant, request.params.gateway);
    if (row === undefined) throw new GatewayError("noc.invalid", { message: "no such gateway" });
    const site = { tenant: row.tenant, gateway: row.id };
    const ticket = await editor.editors.open(site, actorOf(request, context, authority), context.signal);
    return { url: editor.server.linkFor(site, ticket) };
  });
}
