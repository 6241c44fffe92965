import type { Command } from "commander";
import { GatewayError } from "#model/errors.ts";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import { counted } from "./counted.ts";

/** `gatehouse config check|show|schema` */
export function register(program: Command, context: CommandContext): void {
  const config = program
    .command("config")
    .description("check or show a configuration")
    .addHelpText("after", examples("config check gatehouse.yaml", "config show --json gatehouse.yaml"));

  config
    .command("check")
    .argument("<file>", "gatehouse.yaml")
    .option("--no-secrets", "do not look for the secrets that it refers to (on another machine than the gateway)")
    .description("say everything that is wrong with a configuration, with file, line and pointer; nothing is changed")
    .addHelpText("after", examples("config check gatehouse.yaml", "config check --no-secrets examples/gatehouse.yaml"))
    .action(async (file: string, options: { secrets: boolean }) => {
      const configuration = await load(file, options.secrets, context);
      const { formatProblem } = await import("../config/problem.ts");
      for (const warning of configuration.warnings) context.say(`${formatProblem(warning)}\n`);
      const warned = configuration.warnings.length === 0 ? "" : `, ${counted(configuration.warnings.length, "warning")}`;
      const { length } = configuration.equipment;
      context.print(`${file}: ok, ${length} equipment, ${counted(configuration.credentials.names.length, "credential")}${warned}\n`);
    });

  config
    .command("override")
    .argument("[file]", "part of a gatehouse.yaml; left out: the local settings are taken back")
    .option("--state <folder>", "state folder of the running gateway", "./gatehouse-state")
    .option("--by <name>", "who does it")
    .description("set something at the site for 24 hours, over everything the NOC says; the NOC sees it")
    .addHelpText("after", examples("config override emergency.yaml --by maria", "config override"))
    .action(async (file: string | undefined, options: { state: string; by?: string }) => {
      const { readSource } = await import("../config/source.ts");
      const args = {
        ...(file === undefined ? {} : { content: readSource(file).value }),
        ...(options.by === undefined ? {} : { by: options.by }),
      };
      await print(await ask("config-override", options.state, args, context), false, context);
    });

  config
    .command("show")
    .argument("[file]", "gatehouse.yaml; not needed with --effective")
    .option("--effective", "what the running gateway works with: its file, the NOC's overlay and local settings")
    .option("--state <folder>", "state folder of the running gateway, for --effective", "./gatehouse-state")
    .option("--json", "as JSON instead of YAML")
    .option("--no-secrets", "do not look for the secrets that it refers to")
    .description("show the configuration that is in force: every default filled in, secrets redacted")
    .addHelpText("after", examples("config show gatehouse.yaml", "config show --json gatehouse.yaml"))
    .action(async (file: string | undefined, options: { json?: boolean; secrets: boolean; effective?: boolean; state: string }) => {
      if (options.effective === true)
        return print(await ask("config-effective", options.state, {}, context), options.json === true, context);
      if (file === undefined) throw new GatewayError("config.unreadable", { message: "name the file, or ask with --effective" });
      const { shown } = await load(file, options.secrets, context);
      await print(shown, options.json === true, context);
    });

  config
    .command("schema")
    .description("print the JSON Schema (draft 2020-12) of gatehouse.yaml, for editors")
    .addHelpText("after", examples("config schema > gateway.schema.json"))
    .action(async () => {
      const { gatewaySchema } = await import("../config/gateway-configuration.ts");
      context.print(`${JSON.stringify(gatewaySchema(), null, 2)}\n`);
    });
}

async function ask(operation: string, folder: string, args: Readonly<Record<string, unknown>>, context: CommandContext): Promise<unknown> {
  const { requestControl } = await import("../host/control-client.ts");
  return requestControl({ folder, operation, arguments: args, clock: context.clock, timeoutMs: 30_000 });
}

async function print(value: unknown, asJson: boolean, context: CommandContext): Promise<void> {
  const { stringify } = await import("yaml");
  context.print(asJson ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { lineWidth: 0 }));
}

async function load(file: string, followReferences: boolean, context: CommandContext) {
  const { loadGatewayConfiguration } = await import("../config/gateway-configuration.ts");
  return loadGatewayConfiguration(file, { drivers: await context.drivers(), environment: context.environment, followReferences });
}
