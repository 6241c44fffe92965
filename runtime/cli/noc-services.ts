import { GatewayError } from "#model/errors.ts";
import type { CatalogueEntry } from "#ports/catalogue.ts";
import type { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import type { ServiceView } from "../../cloud-bridge/noc/services/service-view.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import type { OrderOptions } from "./order-client.ts";
import { client, path, show } from "./order-client.ts";
import { valuesOf } from "./parameter-words.ts";
import { renderTable } from "./render.ts";

/** Longest wait of one question; also the longest that news between two questions is missed. */
const waitMs = 2_000;

/** `noc services`: of a gateway, or without one the catalogue. */
export async function services(gateway: string | undefined, options: OrderOptions, context: CommandContext): Promise<void> {
  const noc = await client(options);
  if (gateway === undefined) {
    const entries = await catalogue(noc, context);
    if (options.json === true) return show(entries, options, context);
    const rows = entries.map(({ id, version, category, summary }) => ({ service: `${id}@${version}`, category, summary }));
    return context.print(rows.length === 0 ? "no catalogue\n" : renderTable(rows, ""));
  }
  const list = await servicesOf(noc, gateway, options, context);
  if (options.json === true) return show(list, options, context);
  const rows = list.map(({ id, template, state, step, plan, reason }) => ({
    ...{ service: id, template, state: state === "on its way" ? `${state}: ${step}` : state, plan, reason },
  }));
  context.print(rows.length === 0 ? "no services\n" : renderTable(rows, ""));
}

export interface ActivateOptions extends OrderOptions {
  readonly id?: string;
  readonly set: readonly string[];
  readonly secret: readonly string[];
  readonly plan?: string;
}

/** `noc activate` */
export async function activate(gateway: string, template: string, options: ActivateOptions, context: CommandContext): Promise<void> {
  const noc = await client(options);
  const name = template.split("@", 1)[0] ?? template;
  const id = options.id ?? name;
  const entry = (await catalogue(noc, context)).find((one) => one.id === name);
  const known = (await servicesOf(noc, gateway, options, context)).find((one) => one.id === id && one.wanted);
  const parameters = { ...known?.parameters, ...valuesOf(options.set, entry?.parameters) };
  const secrets = sealedOf(options.secret);
  const plan = options.plan ?? (known?.plan === "" ? undefined : known?.plan);
  const body = { template, parameters, ...(options.secret.length === 0 ? {} : { secrets }), ...(plan === undefined ? {} : { plan }) };
  await send({ noc, method: "PUT", gateway, id, body }, options, context);
}

/** NAME=SEALED words; what is no sealed secret is refused before it travels. */
function sealedOf(words: readonly string[]): Readonly<Record<string, { readonly $sealed: string }>> {
  return Object.fromEntries(
    words.map((word) => {
      const [, name, sealed] = /^([A-Za-z][A-Za-z0-9_]{0,63})=.*?([A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]*){4})/s.exec(word) ?? [];
      if (name === undefined || sealed === undefined)
        throw new GatewayError("noc.invalid", {
          message: "--secret is NAME=SEALED, as gatehouse noc secret seal prints it; never clear text",
        });
      return [name, { $sealed: sealed }];
    }),
  );
}

/** `noc deactivate` */
export async function deactivate(gateway: string, service: string, options: OrderOptions, context: CommandContext): Promise<void> {
  await send({ noc: await client(options), method: "DELETE", gateway, id: service, body: {} }, options, context);
}

async function catalogue(noc: NocClient, context: CommandContext): Promise<readonly CatalogueEntry[]> {
  return (await noc.get<{ readonly services: readonly CatalogueEntry[] }>("/api/services", {}, context.stopSignal())).services;
}

async function servicesOf(
  noc: NocClient,
  gateway: string,
  options: OrderOptions,
  context: CommandContext,
  patienceMs = 0,
): Promise<readonly ServiceView[]> {
  const at = path(gateway, "services", options);
  return (await noc.get<{ readonly services: readonly ServiceView[] }>(at, { waitMs: patienceMs }, context.stopSignal())).services;
}

async function send(
  order: {
    readonly noc: NocClient;
    readonly method: "PUT" | "DELETE";
    readonly gateway: string;
    readonly id: string;
    readonly body: object;
  },
  options: OrderOptions,
  context: CommandContext,
): Promise<void> {
  const { noc, method, gateway, id, body } = order;
  const at = path(gateway, `services/${encodeURIComponent(id)}`, options);
  const startedMs = context.clock.monotonicMs();
  const done = await noc.send<{ gen: number; changed: boolean }>(method, at, body, context.stopSignal());
  if (!done.changed) return context.print(`nothing changes; generation ${done.gen} stays\n`);
  if (!options.wait) return context.print(`generation ${done.gen}\n`);
  const say = (sentence: string) =>
    context.print(`${((context.clock.monotonicMs() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${sentence}\n`);
  say(`generation ${done.gen} sent`);
  const last = await follow(order, { options, context, say });
  if (last === undefined) return say("deactivated");
  if (last.state === "healthy") return say(`healthy: ${last.label} (${id})`);
  say(`${last.state}, because ${last.reason}`);
  context.finish(exitCodes.failed);
}

/** Until the change has ended; what happens on the way is said once each. @returns undefined = the service is gone */
async function follow(
  order: { readonly noc: NocClient; readonly gateway: string; readonly id: string },
  to: { readonly options: OrderOptions; readonly context: CommandContext; readonly say: (sentence: string) => void },
): Promise<ServiceView | undefined> {
  const said = new Set<string>();
  for (let patienceMs = 0; ; patienceMs = waitMs) {
    const list = await servicesOf(order.noc, order.gateway, to.options, to.context, patienceMs);
    const one = list.find(({ id }) => id === order.id);
    for (const [step, atMs] of one?.steps ?? []) {
      const sentence = `${step} (${atMs} ms after it came in)`;
      if (!said.has(sentence)) to.say(sentence);
      said.add(sentence);
    }
    if (one === undefined || one.state !== "on its way") return one;
    if (one.steps.length === 0 && one.step !== "sent" && !said.has(one.step)) to.say(one.step);
    said.add(one.step);
  }
}
