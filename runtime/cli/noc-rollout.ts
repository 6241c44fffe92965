import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { RolloutView } from "../../cloud-bridge/noc/releases/rollout-order.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";

interface RolloutOptions {
  readonly url: string;
  readonly tokenFile: string;
  readonly tenant?: string;
  readonly gateway?: readonly string[];
  readonly waves: string;
  readonly haltAfter?: number;
  readonly soak: number;
  readonly halt?: boolean;
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** `gatehouse noc release rollout [VERSION]` */
export function registerRollouts(release: Command, context: CommandContext): void {
  release
    .command("rollout")
    .argument("[version]", "published version to bring to the gateways; without it: how the newest rollout stands")
    .description("bring a version to many gateways in waves; stops by itself when gateways fail, and says why")
    .option("--waves <list>", "ends of the waves: numbers of gateways or shares of them", "1,10%,100%")
    .option("--halt-after <number>", "failures of a wave at which it stops (default: 1, or 5 % of a wave of more than 20)", whole)
    .option("--soak <minutes>", "how long a wave is watched before the next begins", minutes, 10)
    .option(
      "--gateway <id>",
      "only this gateway; may be repeated, in the order they get it",
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option("--tenant <name>", "only gateways of this tenant")
    .option("--pause", "hold the one under way: who has the order goes on, nobody else gets it")
    .option("--resume", "let it go on")
    .option("--halt", "stop the one under way; who has not switched yet is not to have it any more")
    .option("--url <url>", "address of the NOC's end", "http://127.0.0.1:8440")
    .option("--token-file <file>", "API token of the NOC, or an operator's own", join("./gatehouse-state/noc", "token"))
    .option("--json", "as JSON")
    .addHelpText("after", examples("noc release rollout 1.2.0 --waves 1,10%,100%", "noc release rollout", "noc release rollout --halt"))
    .action((version: string | undefined, options: RolloutOptions) => rollout(version, options, context));
}

async function rollout(version: string | undefined, options: RolloutOptions, context: CommandContext): Promise<void> {
  const { NocClient } = await import("../../cloud-bridge/noc/api/client.ts");
  const { readToken } = await import("../../cloud-bridge/noc/store/open-token.ts");
  const noc = new NocClient({ url: options.url, token: readToken(options.tokenFile) });
  const signal = context.stopSignal();
  const { haltAfter, tenant, gateway, soak } = options;
  const order = {
    ...{ version, waves: options.waves.split(","), soakMs: Math.round(soak * 60_000) },
    ...(haltAfter === undefined ? {} : { haltAfter }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(gateway === undefined ? {} : { gateways: gateway }),
  };
  const step = (["halt", "pause", "resume"] as const).find((name) => options[name] === true);
  const one =
    step !== undefined
      ? await noc.post<RolloutView>(`/api/rollouts/${step}`, signal)
      : version === undefined
        ? (await noc.get<{ readonly rollouts: readonly RolloutView[] }>("/api/rollouts", {}, signal)).rollouts[0]
        : await noc.send<RolloutView>("POST", "/api/rollouts", order, signal);
  if (options.json === true) return context.print(`${JSON.stringify(one ?? null)}\n`);
  if (one === undefined) return context.print("nothing was rolled out yet\n");
  const { renderTable } = await import("./render.ts");
  const reason = one.reason === "" ? "" : `: ${one.reason}`;
  context.print(
    `${one.version}  ${one.state}${reason}\nwave ${one.wave} of ${one.waves.length} (ends at ${one.waves.join(", ")} gateways)\n`,
  );
  context.print(renderTable(one.gateways.map(({ gateway: id, state, detail }) => ({ gateway: id, state, detail }))));
  if (one.state === "halted") context.finish(exitCodes.failed);
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1");
  return Number(text);
}

function minutes(text: string): number {
  if (!/^\d{1,5}(\.\d{1,4})?$/.test(text)) throw new InvalidArgumentError("expected minutes, like 10");
  return Number(text);
}
