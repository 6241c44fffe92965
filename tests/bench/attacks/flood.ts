import { readFileSync } from "node:fs";
import { flowDocument, functionFlow } from "../../flows/ground.ts";
import { gatewayId, OrdersField } from "../../integration/orders-field.ts";

/** Catalogue E7: what the telemetry process may grow by. */
export const floodLimitMiB = 10;
const quietMs = 20_000;
const floodMs = 40_000;
const perBeat = 500;
const beatMs = 10;

export interface FloodRow {
  readonly what: string;
  readonly beforeMiB: number;
  readonly duringMiB: number;
  readonly missedSlots: number;
  /** What was dropped and refused, by reason; and how the flow ended. */
  readonly told: string;
}

interface FlowsStatus {
  readonly dropped: Readonly<Record<string, number>>;
  readonly restarts: number;
  readonly services: readonly { readonly id: string; readonly state: string }[];
}

/** Runs between the sandbox' text search and the process' walls: what a determined author would write. */
const wayOut = 'const word = ["constr", "uctor"].join(""); const out = Buffer[word]("return process")();';
/** Frames of orders on the pipe itself, beside everything that would hold a flow back within its process. */
const onThePipe = [
  wayOut,
  'const fs = out.getBuiltinModule("node:fs");',
  'const body = Buffer.from(JSON.stringify({ t: "order", n: 1, service: "flood", node: "fn", operation: "metric.put", arguments: { values: [{ metric: "value", value: 1 }] } }));',
  "const frame = Buffer.alloc(5 + body.length); frame.writeUInt32BE(body.length + 1, 0); frame[4] = 0; body.copy(frame, 5);",
  `const many = Buffer.concat(Array.from({ length: ${perBeat} }, () => frame));`,
  `const push = () => { let at = 0; try { while (at < many.length) at += fs.writeSync(3, many, at); } catch { /* the pipe is full */ } };`,
  `setInterval(push, ${beatMs}); return msg;`,
].join("\n");
const throughNodes = `setInterval(() => { for (let n = 0; n < ${perBeat}; n++) node.send({ payload: n }); }, ${beatMs}); return msg;`;

/** A flow that sends 50,000 messages a second towards the telemetry process of a real gateway: with its own means, and as one that escaped. */
export async function flood(): Promise<readonly FloodRow[]> {
  const rows: FloodRow[] = [];
  for (const [what, code] of [
    ["50,000 messages a second into a metric node", throughNodes],
    ["50,000 orders a second on the pipe, by a function that escaped", onThePipe],
  ] as const)
    rows.push(await one(what, code));
  return rows;
}

async function one(what: string, code: string): Promise<FloodRow> {
  const field = new OrdersField();
  try {
    await field.start({ confirmWindowMs: 60_000, flows: true });
    const wanted = (documents: readonly object[]) =>
      field.ask<{ readonly gen: number }>("PUT", `/api/gateways/${gatewayId}/desired`, { documents });
    const documentOf = (id: string, func: string) => {
      const { content } = flowDocument(id, functionFlow(func, ""), { health: { soakS: 30 } });
      return { kind: "flow", id: `flow.${id}`, content };
    };
    const first = await wanted([documentOf("steady", "return msg;")]);
    await field.outcome(first.gen, 120_000);
    const beforeMiB = await mostOf(field, quietMs);
    const missedBefore = await missed(field);
    await wanted([documentOf("flood", code)]);
    const duringMiB = await mostOf(field, floodMs);
    const flows = ((await field.status()) as { readonly flows?: FlowsStatus } | undefined)?.flows;
    const state = flows?.services.find(({ id }) => id === "flood")?.state ?? "taken back";
    const told = `${JSON.stringify(flows?.dropped ?? {})}, ${flows?.restarts ?? 0} restarts of the flow host, flow ${state}`;
    return { what, beforeMiB, duringMiB, missedSlots: (await missed(field)) - missedBefore, told };
  } finally {
    await field.end();
  }
}

async function missed(field: OrdersField): Promise<number> {
  return (await field.status())?.equipment.reduce((sum, one) => sum + one.missedSlots, 0) ?? Number.NaN;
}

/** The most anonymous memory of the telemetry process within this time, MiB. */
async function mostOf(field: OrdersField, forMs: number): Promise<number> {
  const endMs = performance.now() + forMs;
  let most = 0;
  while (performance.now() < endMs) {
    const rollup = readFileSync(`/proc/${field.gateway?.child.pid}/smaps_rollup`, "utf8");
    most = Math.max(most, Number(/^Anonymous:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) / 1_024);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return most;
}
