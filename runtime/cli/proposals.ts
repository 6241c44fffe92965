import type { Command } from "commander";
import type { Equipment } from "#model/equipment.ts";
import type { Proposal } from "../southbound/discovery/proposals.ts";
import type { TopologyEdge } from "../southbound/discovery/topology-graph.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

interface Asked {
  readonly state: string;
  readonly json?: boolean;
}

/** `gatehouse proposals [accept|refuse ID] [topology]`: what discovery found on the running gateway, and what a person makes of it. */
export function register(program: Command, context: CommandContext): void {
  const proposals = program
    .command("proposals")
    .description("what discovery found: proposals to accept or refuse, and how things hang together")
    .addHelpText("after", examples("proposals list", "proposals accept p3", "proposals topology --json"));
  const ask = (name: string, operation: string, description: string, example = name) =>
    proposals
      .command(name)
      .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
      .option("--json", "as JSON")
      .description(description)
      .addHelpText("after", examples(`proposals ${example}`))
      .action((...given: unknown[]) => run(operation, given, context));
  ask("list", "discovery-proposals", "what was found: what waits for a decision, and what was decided");
  ask("topology", "discovery-topology", "links between equipment, with how each is known");
  ask("accept <id>", "discovery-accept", "poll it from now on", "accept p3");
  ask("refuse <id>", "discovery-refuse", "do not propose it again, and poll it no longer if it was accepted", "refuse p3");
}

async function run(operation: string, given: readonly unknown[], context: CommandContext): Promise<void> {
  const id = typeof given[0] === "string" ? given[0] : undefined;
  const options = given.find((one): one is Asked => typeof one === "object" && one !== null && "state" in one);
  if (options === undefined) throw new Error("commander gave no options");
  const { requestControl } = await import("../host/control-client.ts");
  const call = { folder: options.state, operation, clock: context.clock, timeoutMs: 10_000 };
  const answer = await requestControl(id === undefined ? call : { ...call, arguments: { id } });
  context.print(options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : await show(answer as Answer));
}

/** Of the four questions one each. */
interface Answer {
  readonly proposals?: readonly Proposal[];
  readonly status?: { readonly subnets: readonly { readonly cidr: string }[]; readonly openProposals: number };
  readonly edges?: readonly TopologyEdge[];
  readonly accepted?: Equipment;
  readonly refused?: string;
}

async function show({ proposals, status, edges, accepted, refused }: Answer): Promise<string> {
  const { printable, renderTable, renderTree } = await import("./render.ts");
  if (accepted !== undefined) return `${accepted.id} (${accepted.address}:${accepted.port}) is polled from now on\n`;
  if (refused !== undefined) return `${refused} is not proposed again\n`;
  if (edges !== undefined) {
    const { edgeText } = await import("../southbound/discovery/events.ts");
    return edges.length === 0 ? "no link is known\n" : edges.map((edge) => `${printable(edgeText(edge))}\n`).join("");
  }
  if (proposals === undefined || status === undefined) return "nothing\n";
  if (status.subnets.length === 0) return "discovery is off: no subnet is enabled under discovery.subnets\n";
  const rows = proposals.map(({ id, state, address, deviceClass, vendor, model, serial, credential, suggestedId }) => {
    return { id, state, address, class: deviceClass, vendor, model, serial, credential, "polled as": suggestedId };
  });
  const open = proposals.filter(({ state }) => state === "open");
  const why = open.map(({ id, evidence }) => `\n${id}\n${evidence.map((one) => `  ${printable(one)}\n`).join("")}`).join("");
  return `${rows.length === 0 ? "nothing was found yet\n" : renderTable(rows)}${why}\n${renderTree(status)}`;
}
