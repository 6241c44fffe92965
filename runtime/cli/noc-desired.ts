import { readFileSync } from "node:fs";
import { GatewayError } from "#model/errors.ts";
import type { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import type { DesiredView } from "../../cloud-bridge/noc/authority/manifests.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { jsonOrText } from "./order-arguments.ts";
import type { OrderOptions } from "./order-client.ts";
import { client, path, show } from "./order-client.ts";
import { watchGeneration } from "./order-progress.ts";
import { renderTable, renderTree } from "./render.ts";

async function change(
  noc: NocClient,
  gateway: string,
  documents: readonly unknown[],
  options: OrderOptions,
  context: CommandContext,
): Promise<void> {
  const signal = context.stopSignal();
  const done = await noc.send<{ gen: number; changed: boolean }>("PUT", path(gateway, "desired", options), { documents }, signal);
  if (!done.changed) {
    context.print(`nothing changes; generation ${done.gen} stays\n`);
    return;
  }
  if (!options.wait) {
    context.print(`generation ${done.gen}\n`);
    return;
  }
  const phase = await watchGeneration(noc, path(gateway, "desired", options), done.gen, context);
  if (phase !== "ok") context.finish(exitCodes.failed);
}

async function view(noc: NocClient, gateway: string, options: OrderOptions, context: CommandContext): Promise<DesiredView> {
  return noc.get<DesiredView>(path(gateway, "desired", options), {}, context.stopSignal());
}

async function content(noc: NocClient, gateway: string, id: string, options: OrderOptions, context: CommandContext): Promise<unknown> {
  const { documents } = await view(noc, gateway, options, context);
  if (!documents.some((one) => one.id === id && one.kind !== "?")) return undefined;
  return (await noc.get<{ readonly content: unknown }>(path(gateway, `desired/${id}`, options), {}, context.stopSignal())).content;
}

/** `noc config show` */
export async function configShow(gateway: string, options: OrderOptions, context: CommandContext): Promise<void> {
  const overlay = await content(await client(options), gateway, "config", options, context);
  if (options.json === true) return show(overlay ?? {}, options, context);
  const { stringify } = await import("yaml");
  context.print(overlay === undefined ? "# the NOC wants nothing of this gateway's configuration\n" : stringify(overlay, { lineWidth: 0 }));
}

/** `noc config diff`, `noc flows diff` */
export async function desiredDiff(
  gateway: string,
  kinds: readonly string[] | undefined,
  options: OrderOptions,
  context: CommandContext,
): Promise<void> {
  const desired = await view(await client(options), gateway, options, context);
  const documents = desired.documents.filter((one) => kinds === undefined || kinds.includes(one.kind) || one.kind === "?");
  if (options.json === true) return show({ ...desired, documents }, options, context);
  const { reported } = desired;
  const said =
    reported === undefined
      ? "nothing reported yet"
      : `generation ${reported.gen}: ${reported.phase}${reported.reason === undefined ? "" : `, because ${reported.reason}`}`;
  context.print(`wanted    generation ${desired.gen}${desired.by === undefined ? "" : ` by ${desired.by}`}\nreported  ${said}\n`);
  const rows = documents.map(({ id, kind, rev, state, error }) => ({
    document: id,
    kind,
    rev,
    state,
    error: error === undefined ? "" : `${error.path ?? ""} ${error.msg ?? ""}`.trim(),
  }));
  context.print(rows.length === 0 ? "no documents\n" : renderTable(rows, "  "));
  if (desired.drift.length > 0) context.print(`set at the site\n${renderTree(desired.drift, "  ")}`);
}

/** `noc config apply|clear` */
export async function configApply(
  gateway: string,
  file: string | undefined,
  options: OrderOptions,
  context: CommandContext,
): Promise<void> {
  const { parse } = await import("yaml");
  const overlay: unknown = file === undefined ? null : parse(readText(file), { maxAliasCount: 1_000 });
  await change(await client(options), gateway, [{ kind: "config", id: "config", content: overlay }], options, context);
}

/** `noc push-flow` */
export async function pushFlow(
  order: { readonly gateway: string; readonly name: string; readonly file: string },
  options: OrderOptions,
  context: CommandContext,
): Promise<void> {
  const flow = jsonOrText(readText(order.file));
  if (!Array.isArray(flow) && (typeof flow !== "object" || flow === null))
    throw new GatewayError("noc.invalid", { message: `${order.file} is not a flow export` });
  const isEmpty = Array.isArray(flow) && flow.length === 0;
  await change(
    await client(options),
    order.gateway,
    [{ kind: "flow", id: `flow.${order.name}`, content: isEmpty ? null : flow }],
    options,
    context,
  );
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new GatewayError("config.unreadable", { message: `cannot read ${file}`, cause });
  }
}
