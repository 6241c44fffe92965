/**
 * `npm run bench -- late-crash`: a pushed flow that ends the flow host's process GATEHOUSE_LATE_CRASH_S (45) seconds after it was committed, in the real
 * program beside ten services at the simulated site, polled every second: polls missed, what the NOC is told and when, who else was touched.
 * With GATEHOUSE_BINARY=dist/gatehouse-linux-x64: in the packaged binary.
 */
import { spawnSync } from "node:child_process";
import { functionFlow } from "../../flows/ground.ts";
import { gatewayId, type ServiceSeen, ServicesField } from "../../integration/services-field.ts";
import { gatehouseCommand } from "../../program.ts";

const lateS = Number(process.env["GATEHOUSE_LATE_CRASH_S"] ?? 45);
const neighbours = 10;
const wayOut = 'const word = ["constr", "uctor"].join(""); const out = Buffer[word]("return process")();';
const bomb = `if (!context.get("set")) setTimeout(() => { ${wayOut} out.exit(9); }, ${lateS * 1_000}); context.set("set", true); return msg;`;

interface Polled {
  readonly id: string;
  readonly polls: number;
  readonly missedSlots: number;
}

const field = new ServicesField();

/** What the running gateway says of its polls. */
function polled(): { readonly polls: number; readonly missed: number } {
  const { command, args } = gatehouseCommand(["status", "--json", "--state", field.workspace.path("gateway")]);
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (stdout === "") throw new Error(`no status: ${stderr}`);
  const { equipment } = JSON.parse(stdout) as { readonly equipment: readonly Polled[] };
  const sum = (of: "polls" | "missedSlots") => equipment.reduce((total, one) => total + one[of], 0);
  return { polls: sum("polls"), missed: sum("missedSlots") };
}

try {
  await field.start(1_000);
  const services = Array.from({ length: neighbours }, (_, index) => ({
    ...{ id: `near-${index}`, template: "link-errors", parameters: { equipment: "sw-1", errorsPerS: 100 + index } },
  }));
  const set = { kind: "services", id: "services", content: { v: 1, services } };
  await field.ask("PUT", `/api/gateways/${gatewayId}/desired`, { documents: [set] });
  let seen: readonly ServiceSeen[] = [];
  const look = async () => {
    seen = await field.services(1_000);
    return seen;
  };
  const until = (what: string, holds: (all: readonly ServiceSeen[]) => boolean) =>
    field.until(
      what,
      async () => holds(await look()),
      (lateS + 180) * 1_000,
      () => JSON.stringify(seen),
    );
  const near = (all: readonly ServiceSeen[]) => all.filter(({ id, state }) => id.startsWith("near-") && state === "healthy").length;
  interface Desired {
    readonly reported?: object;
    readonly documents: readonly { readonly id: string; readonly state: string; readonly error?: object }[];
  }
  const culprit = async () =>
    (await field.ask<Desired>("GET", `/api/gateways/${gatewayId}/desired`)).documents.find(({ id }) => id === "flow.late");
  const alarms = async () => (await field.alarms()).filter(({ type }) => type === "serviceQuarantined");
  await until("the neighbours are healthy", (all) => near(all) === neighbours);
  await field.ask("PUT", `/api/gateways/${gatewayId}/desired`, {
    documents: [{ kind: "flow", id: "flow.late", content: functionFlow(bomb) }],
  });
  let at: unknown;
  const explain = () => JSON.stringify(at);
  const isApplied = async () => {
    at = await culprit();
    return explain().includes('"applied"');
  };
  await field.until("the flow is committed", isApplied, 120_000, explain);
  const [before, committedMs] = [polled(), performance.now()];
  await until("the neighbours are healthy", (all) => near(all) === neighbours);
  console.log(`committed beside ${near(seen)} healthy services: ${explain()}; it ends the process ${lateS} s after its first message`);
  const isTold = async () => (await alarms()).length > 0;
  await field.until("the NOC is told", isTold, (lateS + 120) * 1_000, explain);
  console.log(`${((performance.now() - committedMs) / 1_000).toFixed(1)} s after it was committed the NOC knows`);
  for (const { type, severity, text, body } of await alarms())
    console.log(`alarm at the NOC: ${type} ${severity} of ${JSON.stringify({ ...body }).match(/"tq":"[^"]*"/)?.[0]}: ${text}`);
  await until("the neighbours are healthy", (all) => near(all) === neighbours);
  // What a poll that came too late would be counted as is known with the next ones.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  at = await culprit();
  console.log(`rep of the flow: ${explain()}`);
  const after = polled();
  console.log(
    `polls missed ${after.missed - before.missed} of ${after.polls - before.polls} (goal 0); neighbours healthy ${near(seen)} of ${neighbours}`,
  );
} finally {
  await field.end();
}
