import type { FastifyInstance, FastifyRequest } from "fastify";
import { GatewayError } from "#model/errors.ts";
import type { CommandRow, NewCommand } from "../authority/command-book.ts";
import type { DocumentChange } from "../authority/manifests.ts";
import type { NocAuthority } from "../authority/noc-authority.ts";
import type { ApiContext } from "./context.ts";

interface Path {
  readonly Params: { readonly gateway: string };
  readonly Querystring: { readonly tenant?: string };
}

const text = (maxLength: number) => ({ type: "string", maxLength }) as const;
const tenant = text(40);
/** Longest wait of one request for news. */
const waitParameter = { type: "integer", minimum: 0, maximum: 20_000, default: 0 } as const;
const maxBodyBytes = 6 * 1_048_576;

/** Orders: what a gateway is to have, what it is to do, who may say so. */
export function addAuthorityRoutes(app: FastifyInstance, context: ApiContext, authority: NocAuthority): void {
  const by = (request: FastifyRequest) => actorOf(request, context, authority);
  const site = async (request: { readonly params: { readonly gateway: string }; readonly query: { readonly tenant?: string } }) => {
    const row = await context.store.read.gateway(request.query.tenant, request.params.gateway);
    if (row === undefined) throw new GatewayError("noc.invalid", { message: "no such gateway" });
    return { tenant: row.tenant, gateway: row.id };
  };
  const parts = { context, authority, by, site };
  addDesiredRoutes(app, parts);
  addCommandRoutes(app, parts);
  addKeyRoutes(app, parts);
}

interface Parts {
  readonly context: ApiContext;
  readonly authority: NocAuthority;
  readonly by: (request: FastifyRequest) => string;
  readonly site: (request: {
    readonly params: { readonly gateway: string };
    readonly query: { readonly tenant?: string };
  }) => Promise<{ readonly tenant: string; readonly gateway: string }>;
}

function addDesiredRoutes(app: FastifyInstance, { context, authority, by, site }: Parts): void {
  const query = { type: "object", properties: { tenant, waitMs: waitParameter } } as const;
  app.get<Path & { Querystring: { tenant?: string; waitMs: number } }>(
    "/api/gateways/:gateway/desired",
    { schema: { querystring: query } },
    async (request) => {
      const { tenant: owner, gateway } = await site(request);
      if (request.query.waitMs > 0) await authority.news.next(request.query.waitMs, context.signal);
      return authority.view(owner, gateway);
    },
  );
  app.get<Path & { Params: { gateway: string; document: string } }>("/api/gateways/:gateway/desired/:document", async (request) => {
    const { tenant: owner, gateway } = await site(request);
    return { content: authority.manifests.document(owner, gateway, request.params.document) };
  });
  const body = {
    type: "object",
    required: ["documents"],
    properties: {
      documents: {
        type: "array",
        minItems: 1,
        maxItems: 100,
        items: {
          type: "object",
          required: ["kind", "id", "content"],
          properties: { kind: text(32), id: text(128), content: {}, must: { type: "boolean" } },
        },
      },
    },
  } as const;
  app.put<Path & { Body: { documents: DocumentChange[] } }>(
    "/api/gateways/:gateway/desired",
    { schema: { querystring: query, body }, bodyLimit: maxBodyBytes },
    async (request) => {
      const { tenant: owner, gateway } = await site(request);
      return authority.change(owner, gateway, request.body.documents, by(request));
    },
  );
}

function addCommandRoutes(app: FastifyInstance, { context, authority, by, site }: Parts): void {
  const body = {
    type: "object",
    required: ["op"],
    properties: {
      op: text(64),
      dev: text(63),
      args: { type: "object" },
      ttl: { type: "integer", minimum: 1, maximum: 604_800 },
      risk: { enum: ["read", "write", "disruptive", "destructive"] },
    },
  } as const;
  app.get<Path>("/api/gateways/:gateway/operations", async (request) => {
    const { tenant: owner, gateway } = await site(request);
    return { operations: authority.site(owner, gateway).operations };
  });
  app.post<Path & { Body: NewCommand }>("/api/gateways/:gateway/commands", { schema: { body }, bodyLimit: 65_536 }, async (request) => {
    const { tenant: owner, gateway } = await site(request);
    return authority.order(owner, gateway, request.body, by(request));
  });
  app.get<Path & { Querystring: { tenant?: string; limit: number } }>(
    "/api/gateways/:gateway/commands",
    {
      schema: {
        querystring: { type: "object", properties: { tenant, limit: { type: "integer", minimum: 1, maximum: 500, default: 50 } } },
      },
    },
    async (request) => {
      const { tenant: owner, gateway } = await site(request);
      return { commands: authority.commands.list(owner, gateway, request.query.limit).map(brief) };
    },
  );
  app.get<{ Params: { id: string }; Querystring: { after: number; waitMs: number } }>(
    "/api/commands/:id",
    { schema: { querystring: { type: "object", properties: { after: { type: "integer", default: 0 }, waitMs: waitParameter } } } },
    async (request) => {
      const { after, waitMs } = request.query;
      const endMs = context.clock.monotonicMs() + waitMs;
      for (;;) {
        const row = authority.commands.get(request.params.id);
        const leftMs = endMs - context.clock.monotonicMs();
        if (row.version > after || leftMs <= 0 || context.signal.aborted) return row;
        await authority.news.next(leftMs, context.signal);
      }
    },
  );
  app.post<{ Params: { id: string } }>("/api/commands/:id/approve", async (request) => authority.approve(request.params.id, by(request)));
}

function addKeyRoutes(app: FastifyInstance, { authority, by }: Parts): void {
  app.get("/api/authority", async () => ({
    connected: authority.connected,
    keys: authority.keys.list,
    version: authority.keys.version,
    epoch: authority.keys.epoch,
    root: authority.keys.rootPublic,
    operators: authority.store.operators().map((one) => one.name),
  }));
  app.get("/api/authority/audit", async () => ({ audit: authority.store.auditRows(500) }));
  app.post<{ Body: { newEpoch?: boolean } | null }>("/api/authority/rotate", async (request) => {
    onlyAdmin(by(request));
    await authority.rotate(request.body?.newEpoch === true, by(request));
    return { version: authority.keys.version, epoch: authority.keys.epoch };
  });
  app.post<{ Params: { name: string } }>("/api/authority/operators/:name", async (request) => {
    onlyAdmin(by(request));
    return { name: request.params.name, token: authority.addOperator(request.params.name, by(request)) };
  });
  app.delete<{ Params: { name: string } }>("/api/authority/operators/:name", async (request) => {
    onlyAdmin(by(request));
    return { removed: authority.removeOperator(request.params.name, by(request)) };
  });
}

function onlyAdmin(actor: string): void {
  if (actor !== "admin") throw new GatewayError("noc.denied", { message: "only with the NOC's own token" });
}

/** Who asks: the holder of the NOC's token, an operator by name, or a signed-in browser. The server checked the credential before. */
export function actorOf(request: FastifyRequest, context: ApiContext, authority: NocAuthority): string {
  const bearer = /^Bearer ([\x21-\x7e]{1,512})$/.exec(request.headers.authorization ?? "")?.[1];
  if (bearer === undefined) return "page";
  return authority.operatorOf(bearer) ?? (context.gatekeeper.isToken(bearer) ? "admin" : "page");
}

/** Lists show what, who and how it ended; results are asked for one by one. */
function brief({ result: _result, progress, ...row }: CommandRow) {
  return { ...row, progress: progress.length };
}
