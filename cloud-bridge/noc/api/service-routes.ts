import type { FastifyInstance, FastifyRequest } from "fastify";
import { GatewayError } from "#model/errors.ts";
import type { WantedService } from "#ports/catalogue.ts";
import type { NocAuthority } from "../authority/noc-authority.ts";
import type { KnownSite, ServiceDesk } from "../services/service-desk.ts";
import { quarantinedViews, type ServiceView } from "../services/service-view.ts";
import type { GatewayRow } from "../store/rows.ts";
import { actorOf } from "./authority-routes.ts";
import type { ApiContext } from "./context.ts";

interface Path {
  readonly Params: { readonly gateway: string };
  readonly Querystring: { readonly tenant?: string };
}

interface ServicePath extends Path {
  readonly Params: { readonly gateway: string; readonly service: string };
}

type ServiceBody = Omit<WantedService, "id">;

const text = (maxLength: number) => ({ type: "string", maxLength }) as const;
const tenant = text(40);
const maxBodyBytes = 262_144;
const body = {
  type: "object",
  required: ["template"],
  additionalProperties: false,
  properties: {
    template: text(80),
    label: text(80),
    parameters: { type: "object", maxProperties: 64 },
    // Sealed to the gateway; clear text is refused where documents are made, with what to do.
    secrets: { type: "object", maxProperties: 16, additionalProperties: { anyOf: [text(4_096), { type: "object", maxProperties: 1 }] } },
    plan: text(48),
    quarantine: { type: "integer", minimum: 0, maximum: 1_000_000_000 },
  },
} as const;

/** What can be sold; `orders: false` = this NOC only listens, and has no catalogue. */
export function addCatalogueRoute(app: FastifyInstance, desk: ServiceDesk | undefined): void {
  app.get("/api/services", async () => ({ orders: desk !== undefined, services: desk?.catalogue() ?? [] }));
}

/** Services of gateways: checked before they are sent, and followed to their end. */
export function addServiceRoutes(app: FastifyInstance, context: ApiContext, authority: NocAuthority, desk: ServiceDesk): void {
  const by = (request: FastifyRequest) => actorOf(request, context, authority);
  const row = (request: Pick<FastifyRequest<Path>, "params" | "query">) => rowOf(context, request);
  app.get<Path & { Querystring: { tenant?: string; waitMs: number; seen?: number } }>(
    "/api/gateways/:gateway/services",
    {
      schema: {
        querystring: {
          type: "object",
          properties: {
            tenant,
            waitMs: { type: "integer", minimum: 0, maximum: 20_000, default: 0 },
            seen: { type: "integer", minimum: 0 },
          },
        },
      },
    },
    async (request) => {
      const found = await row(request);
      const { waitMs, seen } = request.query;
      if (waitMs > 0) await authority.news.next(waitMs, context.signal, seen);
      const news = authority.news.count;
      const site = { tenant: found.tenant, gateway: found.id };
      return { nowMs: context.clock.now().wallMs, news, services: await withQuarantines(context, found, desk.list(site)) };
    },
  );
  app.post<ServicePath & { Body: ServiceBody }>(
    "/api/gateways/:gateway/services/:service/check",
    { schema: { body }, bodyLimit: maxBodyBytes },
    async (request) => {
      const found = await row(request);
      const wanted = { ...request.body, id: request.params.service };
      return { problems: desk.check({ tenant: found.tenant, gateway: found.id }, wanted, await knownOf(context, found)) };
    },
  );
  app.put<ServicePath & { Body: ServiceBody }>(
    "/api/gateways/:gateway/services/:service",
    { schema: { body }, bodyLimit: maxBodyBytes },
    async (request, reply) => {
      const found = await row(request);
      const site = { tenant: found.tenant, gateway: found.id };
      const wanted = { ...request.body, id: request.params.service };
      const problems = desk.check(site, wanted, await knownOf(context, found));
      if (problems.length > 0) {
        const lines = problems.map((one) => `\n  ${one.path === "" ? wanted.id : one.path}: ${one.message}`).join("");
        return reply.code(422).send({ error: { code: "noc.invalid", message: `nothing was sent:${lines}` }, problems });
      }
      return desk.activate(site, wanted, by(request));
    },
  );
  app.delete<ServicePath>("/api/gateways/:gateway/services/:service", async (request) => {
    const found = await row(request);
    return desk.deactivate({ tenant: found.tenant, gateway: found.id }, request.params.service, by(request));
  });
}

async function rowOf(context: ApiContext, request: Pick<FastifyRequest<Path>, "params" | "query">): Promise<GatewayRow> {
  const found = await context.store.read.gateway(request.query.tenant, request.params.gateway);
  if (found === undefined) throw new GatewayError("noc.invalid", { message: "no such gateway" });
  return found;
}

/** Most active alarms of one gateway that are looked through. */
const maxAlarms = 1_000;

async function withQuarantines({ store }: ApiContext, row: GatewayRow, views: readonly ServiceView[]): Promise<readonly ServiceView[]> {
  return quarantinedViews(views, await store.read.alarmDesk.alarms({ gatewayRef: row.ref, state: "active", limit: maxAlarms }));
}

/** What gateways report themselves; services report as `service:ID` and are no equipment. Of a gateway that has reported nothing yet nothing is known, and it judges alone. */
async function knownOf({ store }: ApiContext, row: GatewayRow): Promise<KnownSite> {
  const equipment = new Set((await store.read.equipment(row.ref)).map(({ id }) => id).filter((id) => !id.includes(":")));
  return { equipment: equipment.size === 0 ? undefined : equipment, checks: undefined };
}
