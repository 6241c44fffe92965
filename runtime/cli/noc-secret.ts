import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { GatewayError } from "#model/errors.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

/** What still fits a line of configuration, and nothing that was read by mistake. */
const maxSecretBytes = 16_384;

interface SealOptions {
  readonly dir: string;
  readonly stdin?: boolean;
  readonly file?: string;
}

/** `gatehouse noc secret seal`: a credential for one gateway, which nobody on the way can read. */
export function registerSecrets(noc: Command, context: CommandContext): void {
  const group = noc
    .command("secret")
    .description("credentials that are pushed to a gateway")
    .addHelpText("after", examples("noc secret seal gw-lisbon-01 --stdin < community.txt"));
  group
    .command("seal <gateway>")
    .description("seal a secret to one gateway; prints the value to put into a configuration document or an order")
    .option("--stdin", "read the secret from standard input")
    .option("--file <file>", "read the secret from a file")
    .option("--dir <folder>", "folder of the enrolment role, which knows the gateway's sealing key", "./gatehouse-state/noc-enrolment")
    .addHelpText("after", examples("noc secret seal gw-lisbon-01 --stdin < community.txt"))
    .action((gateway: string, options: SealOptions) => seal(gateway, options, context));
}

async function seal(gateway: string, options: SealOptions, context: CommandContext): Promise<void> {
  const secret = secretText(options);
  const { Roster } = await import("../../cloud-bridge/noc/enrolment/roster.ts");
  const { sealSecret } = await import("../../cloud-bridge/protocol/sealed-secret.ts");
  const roster = new Roster(join(options.dir, "enrolment.db"));
  try {
    const device = roster.findGateway(gateway);
    if (device === undefined || device.state !== "enrolled" || device.sealingKey === "")
      throw new GatewayError("noc.invalid", { message: `${gateway} is not enrolled here, so there is no key to seal to` });
    const sealed = await sealSecret(secret, gateway, JSON.parse(device.sealingKey));
    roster.note({ atMs: context.clock.now().wallMs, serial: device.serial, what: "sealed a secret", from: "operator" });
    // YAML and JSON at once: it stands in documents and in the arguments of orders.
    context.print(`{ "$sealed": "${sealed}" }\n`);
  } finally {
    roster.close();
  }
}

/** Never from the command line, which others on the machine can read. One line end at its end is not part of it. */
function secretText({ stdin, file }: SealOptions): string {
  if ((stdin === true) === (file !== undefined))
    throw new GatewayError("noc.invalid", { message: "where is the secret? Give it on standard input (--stdin) or name its --file" });
  let bytes: Buffer;
  try {
    bytes = readFileSync(file ?? 0);
  } catch (cause) {
    throw new GatewayError("config.secret", { message: `the secret cannot be read from ${file ?? "standard input"}`, cause });
  }
  if (bytes.length > maxSecretBytes) throw new GatewayError("noc.invalid", { message: `a secret has at most ${maxSecretBytes} bytes` });
  const text = bytes.toString("utf8").replace(/\r?\n$/, "");
  if (text === "") throw new GatewayError("noc.invalid", { message: "the secret is empty" });
  return text;
}
