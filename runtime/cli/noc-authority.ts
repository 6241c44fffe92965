import { join } from "node:path";
import type { Command } from "commander";
import { examples } from "./command-line.ts";
import type { CommandContext } from "./context.ts";
import type { ActivateOptions } from "./noc-services.ts";
import type { OrderOptions } from "./order-client.ts";

const defaultUrl = "http://127.0.0.1:8440";
const defaultDir = "./gatehouse-state/noc";

const many = (value: string, before: readonly string[] = []) => [...before, value];
const orders = () => import("./noc-orders.ts");
const desired = () => import("./noc-desired.ts");
const services = () => import("./noc-services.ts");

/** `gatehouse noc command|commands|approve|config|services|activate|deactivate|push-flow|flows|keys|operator|audit` */
export function registerAuthority(noc: Command, context: CommandContext): void {
  registerCommands(noc, context);
  registerConfig(noc, context);
  registerServices(noc, context);
  registerKeys(noc, context);
}

/** With the options that all of them have. */
function asking(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option("--url <url>", "address of the NOC's end", defaultUrl)
    .option("--token-file <file>", "API token of the NOC, or an operator's own", join(defaultDir, "token"))
    .option("--tenant <name>", "tenant, where several have a gateway of this id")
    .option("--json", "as JSON")
    .option("--no-wait", "do not wait for the outcome");
}

function registerCommands(noc: Command, context: CommandContext): void {
  asking(noc, "command", "order something of a gateway and show what comes of it; without an operation: what it offers")
    .argument("<gateway>", "id of the gateway")
    .argument("[operation]", "poll.now, snmp.get, ...")
    .argument("[arguments...]", "NAME=VALUE (JSON, or text), or one JSON object")
    .option("--equipment <id>", "the equipment it is for")
    .option("--ttl <seconds>", "how long it is good", "120")
    .addHelpText(
      "after",
      examples(
        "noc command gw-lisbon-01",
        "noc command gw-lisbon-01 poll.now --equipment sw-1",
        `noc command gw-lisbon-01 snmp.get --equipment sw-1 'oids=["1.3.6.1.2.1.1.5.0"]'`,
      ),
    )
    .action(
      async (gateway: string, operation: string | undefined, args: string[], options: OrderOptions & { equipment?: string; ttl: string }) =>
        (await orders()).command({ gateway, operation, args }, options, context),
    );
  asking(noc, "commands", "what was ordered of a gateway, and how it ended")
    .argument("<gateway>", "id of the gateway")
    .addHelpText("after", examples("noc commands gw-lisbon-01"))
    .action(async (gateway: string, options: OrderOptions) => (await orders()).commands(gateway, options, context));
  asking(noc, "approve", "say yes, as a second person, to a command that disrupts")
    .argument("<id>", "id of the command")
    .addHelpText("after", examples("noc approve 01KAQ4T7M2ZB3N8W5X6Y7V9CDE --token-file anna.token"))
    .action(async (id: string, options: OrderOptions) => (await orders()).approve(id, options, context));
}

function registerConfig(noc: Command, context: CommandContext): void {
  const config = noc
    .command("config")
    .description("settings of a gateway, laid over its own file")
    .addHelpText("after", examples("noc config diff gw-lisbon-01", "noc config apply gw-lisbon-01 overlay.yaml"));
  asking(config, "show", "what the NOC wants of the gateway's configuration")
    .addHelpText("after", examples("noc config show gw-lisbon-01"))
    .argument("<gateway>", "id of the gateway")
    .action(async (gateway: string, options: OrderOptions) => (await desired()).configShow(gateway, options, context));
  asking(config, "diff", "what is wanted beside what the gateway reports")
    .addHelpText("after", examples("noc config diff gw-lisbon-01"))
    .argument("<gateway>", "id of the gateway")
    .action(async (gateway: string, options: OrderOptions) => (await desired()).desiredDiff(gateway, undefined, options, context));
  asking(config, "apply", "make this file the gateway's overlay, and watch until it is confirmed or taken back")
    .argument("<gateway>", "id of the gateway")
    .argument("<file>", "part of a gatehouse.yaml; null takes a key away, { id: x, $remove: true } a list entry")
    .addHelpText("after", examples("noc config apply gw-lisbon-01 overlay.yaml"))
    .action(async (gateway: string, file: string, options: OrderOptions) => (await desired()).configApply(gateway, file, options, context));
  asking(config, "clear", "take the overlay away: the gateway's own file stands alone")
    .addHelpText("after", examples("noc config clear gw-lisbon-01"))
    .argument("<gateway>", "id of the gateway")
    .action(async (gateway: string, options: OrderOptions) => (await desired()).configApply(gateway, undefined, options, context));
}

function registerServices(noc: Command, context: CommandContext): void {
  asking(noc, "services", "services of a gateway and how they are; without a gateway: the catalogue")
    .argument("[gateway]", "id of the gateway")
    .addHelpText("after", examples("noc services", "noc services gw-lisbon-01"))
    .action(async (gateway: string | undefined, options: OrderOptions) => (await services()).services(gateway, options, context));
  asking(noc, "activate", "activate or change a service on a gateway and watch until it is healthy or taken back")
    .argument("<gateway>", "id of the gateway")
    .argument("<template>", "ID or ID@VERSION of the catalogue")
    .option("--id <name>", "name of the instance (default: the template's)")
    .option("--set <name=value>", "a parameter, read by the service's schema (lists and objects as JSON); may be repeated", many, [])
    .option("--secret <name=sealed>", "a secret parameter, as gatehouse noc secret seal printed it; may be repeated", many, [])
    .option("--plan <name>", "what the customer is charged by")
    .addHelpText(
      "after",
      examples(
        `noc activate gw-lisbon-01 internet-quality-watch --set 'targets=[{"host":"192.0.2.1","kind":"lan"}]'`,
        "noc activate gw-lisbon-01 poe-auto-heal --set device=cam-1 --set switch=sw-1 --set portIndex=1.12",
      ),
    )
    .action(async (gateway: string, template: string, options: ActivateOptions) =>
      (await services()).activate(gateway, template, options, context),
    );
  asking(noc, "deactivate", "take a service off a gateway")
    .addHelpText("after", examples("noc deactivate gw-lisbon-01 link-errors"))
    .argument("<gateway>", "id of the gateway")
    .argument("<service>", "name of the instance")
    .action(async (gateway: string, service: string, options: OrderOptions) =>
      (await services()).deactivate(gateway, service, options, context),
    );
  asking(noc, "push-flow", "bring a plain Node-RED flow export to a gateway; an empty list takes it away")
    .addHelpText("after", examples("noc push-flow gw-lisbon-01 wan-probe flow.json"))
    .argument("<gateway>", "id of the gateway")
    .argument("<name>", "name of the flow")
    .argument("<file>", "the export (JSON)")
    .action(async (gateway: string, name: string, file: string, options: OrderOptions) =>
      (await desired()).pushFlow({ gateway, name, file }, options, context),
    );
  const flows = noc
    .command("flows")
    .description("flows of a gateway, its own and the NOC's")
    .addHelpText("after", examples("noc flows diff gw-lisbon-01"));
  asking(flows, "diff", "flows that are wanted beside those that the gateway reports")
    .addHelpText("after", examples("noc flows diff gw-lisbon-01"))
    .argument("<gateway>", "id of the gateway")
    .action(async (gateway: string, options: OrderOptions) =>
      (await desired()).desiredDiff(gateway, ["flow", "services", "template"], options, context),
    );
}

function registerKeys(noc: Command, context: CommandContext): void {
  const keys = noc
    .command("keys")
    .description("the keys that speak for the NOC")
    .addHelpText("after", examples("noc keys show --root-only"));
  asking(keys, "show", "the root's public key (for authority.root of a gateway) and the working keys")
    .addHelpText("after", examples("noc keys show --root-only > noc-root.pub.jwk"))
    .option("--root-only", "only the root's public key, as JSON Web Key")
    .action(async (options: OrderOptions & { rootOnly?: boolean }) => (await orders()).keysShow(options, context));
  asking(keys, "rotate", "make new working keys; the root must be at hand")
    .addHelpText("after", examples("noc keys rotate", "noc keys rotate --new-epoch"))
    .option("--new-epoch", "let generations begin again (after a signing key was stolen)")
    .action(async (options: OrderOptions & { newEpoch?: boolean }) => (await orders()).keysRotate(options, context));
  const operator = noc
    .command("operator")
    .description("people who may order with a token of their own")
    .addHelpText("after", examples("noc operator add anna > anna.token"));
  asking(operator, "add", "print a token for a person, once")
    .argument("<name>", "name")
    .addHelpText("after", examples("noc operator add anna > anna.token"))
    .action(async (name: string, options: OrderOptions) => (await orders()).operatorAdd(name, options, context));
  asking(operator, "remove", "a person's token is worth nothing any more")
    .addHelpText("after", examples("noc operator remove anna"))
    .argument("<name>", "name")
    .action(async (name: string, options: OrderOptions) => (await orders()).operatorRemove(name, options, context));
  asking(noc, "audit", "who ordered what")
    .addHelpText("after", examples("noc audit"))
    .action(async (options: OrderOptions) => (await orders()).audit(options, context));
}
