/**
 * `npm run bench -- activation [--activations 50] [--running 50]`: from the NOC's command to the first healthy report, end to end over mosquitto with a
 * real gateway at the simulated site, minus the soak; and how many nodes were made meanwhile that are not the new service's own.
 */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gatewayId, type ServiceSeen, ServicesField } from "../../integration/services-field.ts";

const { values } = parseArgs({ options: { activations: { type: "string", default: "50" }, running: { type: "string", default: "50" } } });
const [activations, running] = [Number(values.activations), Number(values.running)];
const template = JSON.parse(readFileSync(join(import.meta.dirname, "../../../flows/library/link-errors/template.json"), "utf8")) as {
  readonly health: { readonly soakS: number };
  readonly flow: { readonly nodes: readonly unknown[] };
};
const soakMs = template.health.soakS * 1_000;
const nodesOfOne = template.flow.nodes.length;

interface Command {
  readonly id: string;
  readonly version: number;
  readonly open: boolean;
  readonly result?: { readonly nodesCreated?: number };
}

const field = new ServicesField();

async function nodesCreated(): Promise<number> {
  let row = await field.ask<Command>("POST", `/api/gateways/${gatewayId}/commands`, { op: "services.list" });
  while (row.open) row = await field.ask<Command>("GET", `/api/commands/${row.id}?waitMs=5000&after=${row.version}`);
  return row.result?.nodesCreated ?? Number.NaN;
}

/** Milliseconds from the order to the NOC's word that it is healthy. */
async function activate(id: string, errorsPerS: number): Promise<number> {
  const beganMs = performance.now();
  await field.activate(id, "link-errors", { equipment: "sw-1", errorsPerS });
  for (let waitMs = 0; ; waitMs = 10_000) {
    const one = (await field.services(waitMs)).find((service) => service.id === id);
    if (one?.state === "healthy") return performance.now() - beganMs;
    if (one === undefined || one.state !== "on its way") throw new Error(`${id}: ${JSON.stringify(one)}`);
  }
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;

try {
  await field.start(5_000);
  const services = Array.from({ length: running }, (_, index) => ({
    ...{ id: `running-${index}`, template: "link-errors", parameters: { equipment: "sw-1", errorsPerS: 100 + index } },
  }));
  const documents = [{ kind: "services", id: "services", content: { v: 1, services } }];
  await field.ask("PUT", `/api/gateways/${gatewayId}/desired`, { documents });
  let last: readonly ServiceSeen[] = [];
  const areHealthy = async () => {
    last = await field.services(1_000);
    return last.length === running && last.every(({ state }) => state === "healthy");
  };
  const others = () => JSON.stringify(last.filter(({ state }) => state !== "healthy").slice(0, 3));
  await field.until("the first services are healthy", areHealthy, 60_000, others);
  const before = await nodesCreated();
  const tookMs: number[] = [];
  for (let index = 0; index < activations; index += 1) tookMs.push(await activate(`new-${index}`, 10 + index));
  const strangers = (await nodesCreated()) - before - activations * nodesOfOne;
  const sorted = tookMs.map((ms) => ms - soakMs).toSorted((a, b) => a - b);
  const figure = (share: number) => Math.round(quantile(sorted, share));
  process.stdout.write(
    `${activations} activations beside ${running} services, minus ${soakMs} ms soak: p50 ${figure(0.5)} ms, p95 ${figure(0.95)} ms, most ${figure(1)} ms; ` +
      `nodes made of other services ${strangers}; load average ${loadavg()
        .map((load) => load.toFixed(1))
        .join(" ")}\n`,
  );
} finally {
  await field.end();
}
