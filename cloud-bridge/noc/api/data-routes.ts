import type { FastifyInstance } from "fastify";
import { GatewayError } from "#model/errors.ts";
import { viewLastValues } from "../registry/last-values.ts";
import { viewLedger } from "../registry/ledger.ts";
import { viewEquipment, viewGateway, viewGateways } from "../registry/overview.ts";
import { PlotReader } from "../registry/points.ts";
import { recount } from "../registry/recount.ts";
import type { GatewayRow } from "../store/rows.ts";
import { addCheckRoutes } from "./check-routes.ts";
import type { ApiContext } from "./context.ts";

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

type GatewayFinder = (request: {
  readonly params: { readonly gateway: string };
  readonly query: { readonly tenant?: string };
}) => Promise<GatewayRow>;

/** Everything a page or a command reads. All GET, all bounded. */
export function addDataRoutes(app: FastifyInstance, context: ApiContext): void {
  const { read } = context.store;
  const gatewayOf: GatewayFinder = async (request) => {
    const row = await read.gateway(request.query.tenant, request.params.gateway);
    if (row === undefined) throw new GatewayError("noc.invalid", { message: "no such gateway" });
    return row;
  };
  addGatewayRoutes(app, context, gatewayOf);
  addValueRoutes(app, context, gatewayOf);
  addListRoutes(app, context, gatewayOf);
  addCheckRoutes(app, context, gatewayOf);
}

function addGatewayRoutes(app: FastifyInstance, context: ApiContext, gatewayOf: GatewayFinder): void {
  const { read } = context.store;
  const now = () => context.clock.now().wallMs;
  app.get("/api/status", async () => ({ version: context.version, nowMs: now(), ...context.status(), store: await context.store.stats() }));
  app.get("/api/gateways", async () => ({ nowMs: now(), gateways: await viewGateways(read) }));
  app.get<GatewayPath>("/api/gateways/:gateway", query({}), async (request) => {
    const row = await gatewayOf(request);
    return { nowMs: now(), gateway: await viewGateway(read, row), hello: row.hello ?? null, reported: row.reported ?? null };
  });
  app.get<GatewayPath>("/api/gateways/:gateway/equipment", query({}), async (request) => ({
    equipment: await viewEquipment(read, await gatewayOf(request), now()),
  }));
  app.get<GatewayPath & { Params: { gateway: string; equipment: string } }>(
    "/api/gateways/:gateway/equipment/:equipment/inventory",
    query({}),
    async (request) => {
      const rows = await read.equipment((await gatewayOf(request)).ref);
      return { inventory: rows.find((row) => row.id === request.params.equipment)?.inventory ?? null };
    },
  );
}

function addValueRoutes(app: FastifyInstance, context: ApiContext, gatewayOf: GatewayFinder): void {
  const { read } = context.store;
  const now = () => context.clock.now().wallMs;
  const plots = new PlotReader(read, context.decoder, context.clock);
  app.get<GatewayPath & { Querystring: { tenant?: string; equipment?: string; search?: string; limit: number } }>(
    "/api/gateways/:gateway/values",
    query({ equipment: textParameter, search: textParameter, limit: limitParameter(5_000, 200) }),
    async (request) => {
      const { equipment, search, limit } = request.query;
      const { ref } = await gatewayOf(request);
      return { nowMs: now(), values: await viewLastValues(read, { gatewayRef: ref, equipment, search, limit }) };
    },
  );
  app.get<GatewayPath & { Querystring: PlotParameters }>(
    "/api/gateways/:gateway/points",
    query({
      series: { type: "string", pattern: "^[0-9]{1,15}(,[0-9]{1,15}){0,7}$" },
      from: timeParameter,
      to: timeParameter,
      last: { type: "integer", minimum: 1_000, maximum: 315_360_000_000 },
      maxPoints: limitParameter(2_000, 2_000),
    }),
    async (request) => {
      const toMs = request.query.to ?? now();
      const fromMs = request.query.from ?? toMs - (request.query.last ?? defaultPlotMs);
      if (fromMs >= toMs) throw new GatewayError("noc.invalid", { message: "from must lie before to" });
      const { ref } = await gatewayOf(request);
      const wanted = (request.query.series ?? "").split(",").slice(0, maxPlotSeries).map(Number);
      const found = await read.seriesByRef(ref, wanted);
      if (found.length === 0) throw new GatewayError("noc.invalid", { message: "no such series" });
      const series = wanted.flatMap((one) => found.filter((row) => row.ref === one));
      const { maxPoints } = request.query;
      return { fromMs, toMs, ...(await plots.read({ gatewayRef: ref, series, fromMs, toMs, maxPoints }, context.signal)) };
    },
  );
}

interface PlotParameters {
  readonly tenant?: string;
  readonly series?: string;
  readonly from?: number;
  readonly to?: number;
  /** Length up to now, ms; instead of `from` and `to`. */
  readonly last?: number;
  readonly maxPoints: number;
}

function addListRoutes(app: FastifyInstance, context: ApiContext, gatewayOf: GatewayFinder): void {
  const { read } = context.store;
  app.get<GatewayPath & { Querystring: { tenant?: string; recount?: boolean; metric?: string } }>(
    "/api/gateways/:gateway/ledger",
    query({ recount: { type: "boolean" }, metric: textParameter }),
    async (request) => {
      const row = await gatewayOf(request);
      const ledger = await viewLedger(read, row);
      if (request.query.recount !== true) return ledger;
      return {
        ...ledger,
        recount: await recount({ read, decoder: context.decoder, clock: context.clock }, row, request.query.metric, context.signal),
      };
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
