import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";

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
    .command("show")
    .argument("<file>", "gatehouse.yaml")
    .option("--json", "as JSON instead of YAML")
    .option("--no-secrets", "do not look for the secrets that it refers to")
    .description("show the configuration that is in force: every default filled in, secrets redacted")
    .addHelpText("after", examples("config show gatehouse.yaml", "config show --json gatehouse.yaml"))
    .action(async (file: string, options: { json?: boolean; secrets: boolean }) => {
      const { shown } = await load(file, options.secrets, context);
      const { stringify } = await import("yaml");
      context.print(options.json === true ? `${JSON.stringify(shown, null, 2)}\n` : stringify(shown, { lineWidth: 0 }));
    });

  config
    .command("schema")
    .description("print the JSON Schema (draft 2020-12) of gatehouse.yaml, for editors")
    .addHelpText("after", examples("config schema > gateway.schema.json"))
    .action(async () => {
      const { gatewaySchema } = await import("../config/gateway-configuration.ts");
      context.print(`${JSON.stringify(gatewaySchema, null, 2)}\n`);
    });
}

async function load(file: string, followReferences: boolean, context: CommandContext) {
  const { loadGatewayConfiguration } = await import("../config/gateway-configuration.ts");
  return loadGatewayConfiguration(file, { drivers: await context.drivers(), environment: context.environment, followReferences });
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
