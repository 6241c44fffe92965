import type { FastifyInstance } from "fastify";
import { GatewayError } from "#model/errors.ts";
import { viewChecks, viewLatency } from "../registry/checks.ts";
import type { GatewayRow } from "../store/rows.ts";
import type { ApiContext } from "./context.ts";

interface LatencyPath {
  readonly Params: { readonly gateway: string; readonly check: string };
  readonly Querystring: {
    readonly tenant?: string;
    readonly from?: number;
    readonly to?: number;
    readonly last: number;
    readonly maxPoints: number;
  };
}

const text = { type: "string", maxLength: 128 } as const;
const time = { type: "integer", minimum: 0, maximum: 7_258_118_400_000 } as const;
const hourMs = 3_600_000;

/** Results and latencies of checks. */
export function addCheckRoutes(
  app: FastifyInstance,
  context: ApiContext,
  gatewayOf: (request: {
    readonly params: { readonly gateway: string };
    readonly query: { readonly tenant?: string };
  }) => Promise<GatewayRow>,
): void {
  const { read } = context.store;
  const now = () => context.clock.now().wallMs;
  app.get<{ Params: { gateway: string }; Querystring: { tenant?: string } }>(
    "/api/gateways/:gateway/checks",
    { schema: { querystring: { type: "object", properties: { tenant: text } } } },
    async (request) => ({ nowMs: now(), checks: await viewChecks(read, (await gatewayOf(request)).ref, now()) }),
  );
  const latencyQuery = {
    tenant: text,
    from: time,
    to: time,
    last: { type: "integer", minimum: 1_000, maximum: 315_360_000_000, default: hourMs },
    maxPoints: { type: "integer", minimum: 1, maximum: 2_000, default: 288 },
  };
  app.get<LatencyPath>(
    "/api/gateways/:gateway/checks/:check/latency",
    { schema: { querystring: { type: "object", properties: latencyQuery } } },
    async (request) => {
      const { last, maxPoints } = request.query;
      const toMs = request.query.to ?? now();
      const fromMs = request.query.from ?? toMs - last;
      if (fromMs >= toMs) throw new GatewayError("noc.invalid", { message: "from must lie before to" });
      const { ref } = await gatewayOf(request);
      return { fromMs, toMs, ...(await viewLatency(read, { gatewayRef: ref, check: request.params.check, fromMs, toMs, maxPoints })) };
    },
  );
}
