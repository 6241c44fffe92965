import { join } from "node:path";
import { type Command, Option } from "commander";
import { GatewayError } from "#model/errors.ts";
import type { Signer } from "../../cloud-bridge/noc/authority/signer.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

interface SignerOptions {
  readonly keys: string;
  readonly socket: string;
}

/** `gatehouse noc signer serve|rotate`: the process that alone holds the keys which speak for the NOC. */
export function registerSigner(noc: Command, context: CommandContext): void {
  const group = noc
    .command("signer")
    .description("the keys that speak for the NOC in a process and under a user of their own; for noc serve --signer")
    .addHelpText("after", examples("noc signer serve --keys /var/lib/gatehouse-signer --socket /run/gatehouse-signer/sign.sock"));
  group
    .command("serve")
    .description(
      "sign what noc serve asks for, as far as it may be signed: current, for one gateway, no older generation, two names for what disrupts",
    )
    .requiredOption("--keys <folder>", "signing keys, only for this user; made at the first start")
    .requiredOption("--socket <path>", "where noc serve asks: a Unix socket for owner and group")
    .addHelpText("after", examples("noc signer serve --keys /var/lib/gatehouse-signer --socket /run/gatehouse-signer/sign.sock"))
    .action((options: SignerOptions) => serve(options, context));
  group
    .command("rotate")
    .description("make new working keys; a running signer and noc serve take them up within seconds; the root must be at hand")
    .requiredOption("--keys <folder>", "the signer's keys")
    .option("--new-epoch", "let generations begin again (after a signing key was stolen)")
    .addHelpText("after", examples("noc signer rotate --keys /var/lib/gatehouse-signer"))
    .action(async (options: { readonly keys: string; readonly newEpoch?: boolean }) => {
      const keys = await openKeys(options.keys, context);
      await keys.rotate(options.newEpoch === true);
      context.print(`key document ${keys.version}, epoch ${keys.epoch}; running processes take it up by themselves, and so do gateways\n`);
    });
}

async function serve(options: SignerOptions, context: CommandContext): Promise<void> {
  const { SignerPolicy } = await import("../../cloud-bridge/noc/authority/signer-policy.ts");
  const { SignerServer } = await import("../../cloud-bridge/noc/authority/signer-server.ts");
  const { clock } = context;
  const signal = context.stopSignal();
  const logger = await context.logger({ to: "stdout" });
  const keys = await openKeys(options.keys, context);
  const policy = new SignerPolicy(options.keys, () => clock.now().wallMs / 1_000);
  const { socket } = options;
  await new SignerServer({ socket, keys, policy, clock, logger, onListening: () => logger.info({ socket }, "the signer is ready") }).run(
    signal,
  );
}

/** Of `noc serve`. */
export const signerOption = new Option(
  "--signer <socket>",
  "let another process sign, which alone holds the keys: gatehouse noc signer serve (recommended)",
);

/** What `noc serve` signs with: the keys themselves, or the process that has them. Never both. */
export async function signerOf(
  options: { readonly signer?: string; readonly keys?: string; readonly dir: string },
  context: CommandContext,
): Promise<Signer> {
  if (options.signer === undefined) return openKeys(options.keys ?? join(options.dir, "keys"), context);
  if (options.keys !== undefined)
    throw new GatewayError("config.invalid", { message: "--signer and --keys: the keys are either here or there" });
  const { RemoteSigner } = await import("../../cloud-bridge/noc/authority/remote-signer.ts");
  return RemoteSigner.open(options.signer);
}

async function openKeys(folder: string, { clock }: CommandContext) {
  const { SigningKeys } = await import("../../cloud-bridge/noc/authority/signing-keys.ts");
  return SigningKeys.open(folder, () => clock.now().wallMs / 1_000);
}
