import type { FastifyInstance } from "fastify";
import { GatewayError } from "#model/errors.ts";
import type { NocAuthority } from "../authority/noc-authority.ts";
import { releasesOf } from "../releases/overview.ts";
import { ReleaseRepository } from "../releases/repository.ts";
import { orderOf } from "../releases/rollout-order.ts";
import type { Rollouts } from "../releases/rollouts.ts";
import { actorOf } from "./authority-routes.ts";
import type { ApiContext } from "./context.ts";

interface RolloutBody {
  readonly version: string;
  readonly waves: readonly string[];
  readonly haltAfter?: number;
  readonly soakMs: number;
  readonly tenant?: string;
  readonly gateways?: readonly string[];
}

const body = {
  type: "object",
  required: ["version"],
  additionalProperties: false,
  properties: {
    version: { type: "string", maxLength: 64 },
    waves: { type: "array", minItems: 1, maxItems: 20, items: { type: "string", maxLength: 8 }, default: ["1", "10%", "100%"] },
    haltAfter: { type: "integer", minimum: 1, maximum: 100_000 },
    soakMs: { type: "integer", minimum: 0, maximum: 604_800_000, default: 600_000 },
    tenant: { type: "string", maxLength: 40 },
    gateways: { type: "array", minItems: 1, maxItems: 10_000, items: { type: "string", maxLength: 40 } },
  },
} as const;

/** What is published, and whether its signatures are kept fresh; also at a NOC that only listens. */
export function addReleasesRoute(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/releases", async () => ({
    nowMs: context.clock.now().wallMs,
    orders: context.rollouts !== undefined,
    problem: context.renewal?.problem ?? "",
    ...(context.releases === undefined ? { releases: [], floor: null, expiry: {} } : releasesOf(new ReleaseRepository(context.releases))),
  }));
}

/** Rollouts of released versions: begin, look, halt. */
export function addRolloutRoutes(app: FastifyInstance, context: ApiContext, authority: NocAuthority, rollouts: Rollouts): void {
  app.get("/api/rollouts", async () => ({ nowMs: context.clock.now().wallMs, rollouts: rollouts.list() }));
  app.get<{ Params: { id: number } }>(
    "/api/rollouts/:id",
    { schema: { params: { type: "object", properties: { id: { type: "integer", minimum: 1 } } } } },
    async (request) => {
      const found = rollouts.one(request.params.id);
      if (found === undefined) throw new GatewayError("noc.invalid", { message: "no such rollout" });
      return found;
    },
  );
  app.post<{ Body: RolloutBody }>("/api/rollouts", { schema: { body }, bodyLimit: 1_048_576 }, async (request) => {
    const { tenant, gateways, ...order } = request.body;
    return rollouts.begin(
      { ...order, gateways: await membersOf(context, order.version, tenant, gateways) },
      actorOf(request, context, authority),
    );
  });
  app.post("/api/rollouts/pause", async (request) => rollouts.pause(true, actorOf(request, context, authority)));
  app.post("/api/rollouts/resume", async (request) => rollouts.pause(false, actorOf(request, context, authority)));
  app.post("/api/rollouts/halt", async (request) => rollouts.halt(actorOf(request, context, authority)));
}

/** Named ones in the order they were named; else all the NOC knows, in an order of the version's own. */
async function membersOf(context: ApiContext, version: string, tenant: string | undefined, names: readonly string[] | undefined) {
  const known = (await context.store.read.gateways())
    .filter((row) => tenant === undefined || row.tenant === tenant)
    .map((row) => ({ tenant: row.tenant, gateway: row.id }));
  if (names === undefined) return orderOf(version, known);
  return names.map((name) => {
    const found = known.filter(({ gateway }) => gateway === name);
    const [one] = found;
    if (one === undefined) throw new GatewayError("noc.invalid", { message: `no gateway ${name}` });
    if (found.length > 1) throw new GatewayError("noc.invalid", { message: `several tenants have a gateway ${name}: name the tenant` });
    return one;
  });
}
