import type { NocClient } from "../../cloud-bridge/noc/api/client.ts";
import type { CommandRow } from "../../cloud-bridge/noc/authority/command-book.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { argumentsOf } from "./order-arguments.ts";
import type { OrderOptions } from "./order-client.ts";
import { client, path, show } from "./order-client.ts";
import { watchCommand } from "./order-progress.ts";
import { renderTable, renderTree } from "./render.ts";

/** `noc command` */
export async function command(
  order: { readonly gateway: string; readonly operation: string | undefined; readonly args: readonly string[] },
  options: OrderOptions & { readonly equipment?: string; readonly ttl: string },
  context: CommandContext,
): Promise<void> {
  const noc = await client(options);
  const signal = context.stopSignal();
  const { gateway, operation, args } = order;
  if (operation === undefined) {
    const { operations } = await noc.get<{ readonly operations: Record<string, string> }>(path(gateway, "operations", options), {}, signal);
    const rows = Object.entries(operations).map(([name, risk]) => ({ operation: name, risk }));
    if (options.json === true) show(operations, options, context);
    else
      context.print(
        rows.length === 0 ? "the gateway offers nothing: it follows no orders, or has not said hello\n" : renderTable(rows, ""),
      );
    return;
  }
  const body = {
    op: operation,
    ttl: Number(options.ttl),
    args: argumentsOf(args),
    ...(options.equipment === undefined ? {} : { dev: options.equipment }),
  };
  const row = await noc.send<CommandRow>("POST", path(gateway, "commands", options), body, signal);
  if (row.state === "approval") {
    context.say(`${row.id} is ${row.risk}: a second person must approve it (gatehouse noc approve ${row.id} --token-file THEIRS)\n`);
    if (!options.wait) return;
  }
  await outcome(noc, row, options, context);
}

async function outcome(noc: NocClient, row: CommandRow, options: OrderOptions, context: CommandContext): Promise<void> {
  if (!options.wait) {
    context.print(`${row.id}\n`);
    return;
  }
  const ended = await watchCommand(noc, row, context);
  if (options.json === true) context.print(`${JSON.stringify(ended, null, 2)}\n`);
  else if (ended.state === "ok") context.print(renderTree(ended.result ?? "done"));
  if (ended.state === "ok") return;
  context.say(`${ended.op}: ${ended.state}${ended.error === undefined ? "" : `, ${ended.error.code}: ${ended.error.msg ?? ""}`}\n`);
  context.finish(exitCodes.failed);
}

/** `noc commands` */
export async function commands(gateway: string, options: OrderOptions, context: CommandContext): Promise<void> {
  const noc = await client(options);
  const { commands: rows } = await noc.get<{ readonly commands: readonly CommandRow[] }>(
    path(gateway, "commands", options),
    {},
    context.stopSignal(),
  );
  if (options.json === true) return show(rows, options, context);
  const table = rows.map((row) => ({
    id: row.id,
    at: new Date(row.createdMs).toISOString(),
    operation: row.op,
    equipment: row.dev ?? "",
    by: [row.by, ...row.approvals].join("+"),
    state: row.state,
  }));
  context.print(table.length === 0 ? "nothing was ordered\n" : renderTable(table, ""));
}

/** `noc approve` */
export async function approve(id: string, options: OrderOptions, context: CommandContext): Promise<void> {
  const noc = await client(options);
  const row = await noc.send<CommandRow>("POST", `/api/commands/${encodeURIComponent(id)}/approve`, {}, context.stopSignal());
  await outcome(noc, row, options, context);
}

/** `noc keys show` */
export async function keysShow(options: OrderOptions & { readonly rootOnly?: boolean }, context: CommandContext): Promise<void> {
  const state = await (await client(options)).get<{ readonly root: string }>("/api/authority", {}, context.stopSignal());
  if (options.rootOnly === true) context.print(`${state.root}\n`);
  else show(state, options, context);
}

/** `noc keys rotate` */
export async function keysRotate(options: OrderOptions & { readonly newEpoch?: boolean }, context: CommandContext): Promise<void> {
  const body = { newEpoch: options.newEpoch === true };
  show(await (await client(options)).send("POST", "/api/authority/rotate", body, context.stopSignal()), options, context);
}

/** `noc operator add` */
export async function operatorAdd(name: string, options: OrderOptions, context: CommandContext): Promise<void> {
  const url = `/api/authority/operators/${encodeURIComponent(name)}`;
  const { token } = await (await client(options)).send<{ readonly token: string }>("POST", url, {}, context.stopSignal());
  context.print(`${token}\n`);
}

/** `noc operator remove` */
export async function operatorRemove(name: string, options: OrderOptions, context: CommandContext): Promise<void> {
  const url = `/api/authority/operators/${encodeURIComponent(name)}`;
  show(await (await client(options)).send("DELETE", url, {}, context.stopSignal()), options, context);
}

/** `noc audit` */
export async function audit(options: OrderOptions, context: CommandContext): Promise<void> {
  const { audit: rows } = await (await client(options)).get<{ readonly audit: readonly Record<string, unknown>[] }>(
    "/api/authority/audit",
    {},
    context.stopSignal(),
  );
  if (options.json === true) return show(rows, options, context);
  const table = rows.map(({ seq, atMs, actor, action, gateway, detail }) => ({
    seq,
    at: new Date(Number(atMs)).toISOString(),
    actor,
    action,
    gateway,
    detail,
  }));
  context.print(table.length === 0 ? "nothing yet\n" : renderTable(table, ""));
}
