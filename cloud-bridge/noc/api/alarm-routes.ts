import type { FastifyInstance, FastifyRequest } from "fastify";
import { GatewayError } from "#model/errors.ts";
import { AlarmDesk } from "../registry/alarm-desk.ts";
import { viewAlarmDetail, viewAlarms } from "../registry/alarms.ts";
import type { GatewayRow } from "../store/rows.ts";
import type { ApiContext } from "./context.ts";

const text = { type: "string", maxLength: 128 } as const;
const long = { type: "string", minLength: 1, maxLength: 1_000 } as const;
const severity = { enum: ["critical", "major", "minor", "warning", "indeterminate"] } as const;

interface ListQuery {
  readonly tenant?: string;
  readonly gateway?: string;
  readonly state: "active" | "cleared" | "all";
  readonly severity?: string;
  readonly search?: string;
  readonly incidents: boolean;
  readonly limit: number;
}

interface AlarmPath {
  readonly Params: { readonly gateway: string; readonly key: string };
  readonly Querystring: { readonly tenant?: string };
  readonly Body: { readonly by?: string; readonly text?: string } | null;
}

interface ShelfBody {
  readonly tenant: string;
  readonly gateway?: string;
  readonly key?: string;
  readonly equipment?: string;
  readonly type?: string;
  readonly path?: string;
  readonly forMs: number;
  readonly reason: string;
  readonly by?: string;
}

/** Alarms of all gateways: list, details, and what operators do with them. */
export function addAlarmRoutes(app: FastifyInstance, context: ApiContext): void {
  const { read } = context.store;
  const now = () => context.clock.now().wallMs;
  const listQuery = {
    ...{ tenant: text, gateway: text, severity, search: text },
    state: { enum: ["active", "cleared", "all"], default: "active" },
    incidents: { type: "boolean", default: false },
    limit: { type: "integer", minimum: 1, maximum: 2_000, default: 500 },
  };
  app.get<{ Querystring: ListQuery }>(
    "/api/alarms",
    { schema: { querystring: { type: "object", properties: listQuery } } },
    async (request) => {
      const { incidents, gateway, tenant, ...filter } = request.query;
      const row = gateway === undefined ? undefined : await find(context, tenant, gateway);
      const view = { ...filter, tenant, gateway: row, incidentsOnly: incidents, nowMs: now() };
      return {
        nowMs: now(),
        alarms: await viewAlarms(read, view),
        shelves: (await read.alarmDesk.shelves()).filter((one) => one.untilMs > now()),
      };
    },
  );
  app.get<AlarmPath>("/api/gateways/:gateway/alarms/:key", query(), async (request) => {
    const detail = await viewAlarmDetail(read, await find(context, request.query.tenant, request.params.gateway), request.params.key);
    if (detail === undefined) throw new GatewayError("noc.invalid", { message: "no such alarm" });
    return { nowMs: now(), ...detail };
  });
  addOperatorRoutes(app, context);
  addShelfRoutes(app, context);
}

function addOperatorRoutes(app: FastifyInstance, context: ApiContext): void {
  const desk = new AlarmDesk(context);
  const action = (name: string, act: (gateway: GatewayRow, key: string, by: string, text: string) => Promise<void>, needsText = false) => {
    const body = { type: ["object", "null"], properties: { by: text, text: long }, required: needsText ? ["text"] : [] };
    app.post<AlarmPath>(`/api/gateways/:gateway/alarms/:key/${name}`, { schema: { ...query().schema, body } }, async (request) => {
      const gateway = await find(context, request.query.tenant, request.params.gateway);
      await act(gateway, request.params.key, actor(request), request.body?.text ?? "");
      context.feed.announce([`${gateway.tenant}/${gateway.id}`]);
      return { done: true };
    });
  };
  action("acknowledge", (gateway, key, by) => desk.acknowledge(gateway, key, by));
  action("unacknowledge", (gateway, key, by) => desk.unacknowledge(gateway, key, by));
  action("close", (gateway, key, by) => desk.close(gateway, key, by));
  action("comment", (gateway, key, by, said) => desk.comment(gateway, key, by, said), true);
}

function addShelfRoutes(app: FastifyInstance, context: ApiContext): void {
  const desk = new AlarmDesk(context);
  const body = {
    type: "object",
    required: ["tenant", "forMs", "reason"],
    properties: {
      ...{
        tenant: text,
        gateway: text,
        key: text,
        equipment: text,
        type: text,
        path: { type: "string", maxLength: 256 },
        by: text,
        reason: long,
      },
      forMs: { type: "integer", minimum: 60_000, maximum: 31_622_400_000 },
    },
  };
  app.post<{ Body: ShelfBody }>("/api/alarm-shelves", { schema: { body } }, async (request) => {
    const { tenant, gateway, key, equipment, type, path, forMs, reason } = request.body;
    const known = await context.store.read.gateways();
    const meant = known.filter((row) => row.tenant === tenant && (gateway === undefined || row.id === gateway));
    if (meant.length === 0) throw new GatewayError("noc.invalid", { message: "no such gateway" });
    const match = Object.fromEntries(
      Object.entries({ key, equipment, type, path }).filter(([, value]) => value !== undefined && value !== ""),
    );
    const untilMs = context.clock.now().wallMs + forMs;
    const shelf = await desk.shelve({ tenant, gateway, match, untilMs, reason, by: actor(request) }, meant);
    context.feed.announce(meant.map((row) => `${row.tenant}/${row.id}`));
    return shelf;
  });
  app.delete<{ Params: { id: string } }>("/api/alarm-shelves/:id", async (request) => {
    if (!(await desk.unshelve(request.params.id))) throw new GatewayError("noc.invalid", { message: "no such shelf" });
    context.feed.announce(["*"]);
    return { done: true };
  });
}

async function find(context: ApiContext, tenant: string | undefined, id: string): Promise<GatewayRow> {
  const row = await context.store.read.gateway(tenant, id);
  if (row === undefined) throw new GatewayError("noc.invalid", { message: "no such gateway" });
  return row;
}

/** Who did it, as they call themselves: one token serves all operators. */
function actor(request: FastifyRequest): string {
  const body: unknown = request.body;
  const by: unknown = typeof body === "object" && body !== null && "by" in body ? body.by : undefined;
  return typeof by === "string" && by.trim() !== "" ? by.trim().slice(0, 64) : "noc";
}

function query() {
  return { schema: { querystring: { type: "object", properties: { tenant: text } } } };
}
