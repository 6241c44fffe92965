import type { FastifyInstance } from "fastify";
import { GatewayError } from "#model/errors.ts";
import { viewLastValues } from "../registry/last-values.ts";
import { recount, viewLedger } from "../registry/ledger.ts";
import { viewEquipment, viewGateway, viewGateways } from "../registry/overview.ts";
import { PlotReader } from "../registry/points.ts";
import type { GatewayRow } from "../store/rows.ts";
import type { ApiContext } from "./server.ts";

interface GatewayPath {
  readonly Params: { readonly gateway: string };
  readonly Querystring: { readonly tenant?: string };
}

const textParameter = { type: "string", maxLength: 128 } as const;
const timeParameter = { type: "integer", minimum: 0, maximum: 7_258_118_400_000 } as const;
const limitParameter = (most: number, otherwise: number) => ({ type: "integer", minimum: 1, maximum: most, default: otherwise }) as const;
const query = (properties: object) => ({
  schema: { querystring: { type: "object", properties: { tenant: textParameter, ...properties } } },
});

const maxPlotSeries = 8;
const defaultPlotMs = 3_600_000;

/** Everything a page or a command reads. All GET, all bounded. */
export function addDataRoutes(app: FastifyInstance, context: ApiContext): void {
  const { read } = context.store;
  const plots = new PlotReader(read, context.decoder, context.clock);

  async function gatewayOf(request: {
    readonly params: { readonly gateway: string };
    readonly query: { readonly tenant?: string };
  }): Promise<GatewayRow> {
    const row = await read.gateway(request.query.tenant, request.params.gateway);
    if (row === undefined) throw new GatewayError("noc.invalid", { message: "no such gateway" });
    return row;
  }

  app.get("/api/status", async () => ({
    version: context.version,
    nowMs: context.clock.now().wallMs,
    ...context.status(),
    store: await context.store.stats(),
  }));
  app.get("/api/gateways", async () => ({ nowMs: context.clock.now().wallMs, gateways: await viewGateways(read) }));
  app.get<GatewayPath>("/api/gateways/:gateway", query({}), async (request) => {
    const row = await gatewayOf(request);
    return {
      nowMs: context.clock.now().wallMs,
      gateway: await viewGateway(read, row),
      hello: row.hello ?? null,
      reported: row.reported ?? null,
    };
  });
  app.get<GatewayPath>("/api/gateways/:gateway/equipment", query({}), async (request) => ({
    equipment: await viewEquipment(read, await gatewayOf(request)),
  }));
  app.get<GatewayPath & { Params: { gateway: string; equipment: string } }>(
    "/api/gateways/:gateway/equipment/:equipment/inventory",
    query({}),
    async (request) => {
      const rows = await read.equipment((await gatewayOf(request)).ref);
      return { inventory: rows.find((row) => row.id === request.params.equipment)?.inventory ?? null };
    },
  );
  app.get<GatewayPath & { Querystring: { tenant?: string; equipment?: string; search?: string; limit: number } }>(
    "/api/gateways/:gateway/values",
    query({ equipment: textParameter, search: textParameter, limit: limitParameter(5_000, 200) }),
    async (request) => {
      const { equipment, search, limit } = request.query;
      const { ref } = await gatewayOf(request);
      return { nowMs: context.clock.now().wallMs, values: await viewLastValues(read, { gatewayRef: ref, equipment, search, limit }) };
    },
  );
  app.get<GatewayPath & { Querystring: { tenant?: string; series: string; from?: number; to?: number; maxPoints: number } }>(
    "/api/gateways/:gateway/points",
    query({
      series: { type: "string", pattern: "^[0-9]{1,15}(,[0-9]{1,15}){0,7}$" },
      from: timeParameter,
      to: timeParameter,
      maxPoints: limitParameter(2_000, 2_000),
    }),
    async (request) => {
      const toMs = request.query.to ?? context.clock.now().wallMs;
      const fromMs = request.query.from ?? toMs - defaultPlotMs;
      if (fromMs >= toMs) throw new GatewayError("noc.invalid", { message: "from must lie before to" });
      const { ref } = await gatewayOf(request);
      const wanted = request.query.series.split(",").slice(0, maxPlotSeries).map(Number);
      const found = await read.seriesByRef(ref, wanted);
      if (found.length === 0) throw new GatewayError("noc.invalid", { message: "no such series" });
      const series = wanted.flatMap((one) => found.filter((row) => row.ref === one));
      return {
        fromMs,
        toMs,
        ...(await plots.read({ gatewayRef: ref, series, fromMs, toMs, maxPoints: request.query.maxPoints }, context.signal)),
      };
    },
  );
  addListRoutes(app, context, gatewayOf);
}

type GatewayFinder = (request: {
  readonly params: { readonly gateway: string };
  readonly query: { readonly tenant?: string };
}) => Promise<GatewayRow>;

function addListRoutes(app: FastifyInstance, context: ApiContext, gatewayOf: GatewayFinder): void {
  const { read } = context.store;
  app.get<GatewayPath & { Querystring: { tenant?: string; recount?: boolean } }>(
    "/api/gateways/:gateway/ledger",
    query({ recount: { type: "boolean" } }),
    async (request) => {
      const row = await gatewayOf(request);
      const ledger = await viewLedger(read, row);
      if (request.query.recount !== true) return ledger;
      return { ...ledger, recount: await recount({ read, decoder: context.decoder, clock: context.clock }, row, context.signal) };
    },
  );
  app.get<GatewayPath & { Querystring: { tenant?: string; limit: number } }>(
    "/api/gateways/:gateway/dead-letters",
    query({ limit: limitParameter(1_000, 100) }),
    async (request) => ({ deadLetters: await read.deadLetters((await gatewayOf(request)).ref, request.query.limit) }),
  );
  app.get<GatewayPath & { Querystring: { tenant?: string; cleared: boolean; limit: number } }>(
    "/api/gateways/:gateway/alarms",
    query({ cleared: { type: "boolean", default: false }, limit: limitParameter(1_000, 200) }),
    async (request) => ({ alarms: await read.alarms((await gatewayOf(request)).ref, request.query.cleared, request.query.limit) }),
  );
  app.get<GatewayPath & { Querystring: { tenant?: string; before?: number; limit: number } }>(
    "/api/gateways/:gateway/events",
    query({ before: timeParameter, limit: limitParameter(1_000, 100) }),
    async (request) => {
      const { before, limit } = request.query;
      return { events: await read.events((await gatewayOf(request)).ref, { limit, beforeMs: before }) };
    },
  );
}
